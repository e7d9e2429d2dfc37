"""Ctrl-C and SIGTERM: raised once, held back where a result is stored, and final when repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

HEAD = """
import os, signal, sys, time
from benchbench.machine import interrupts
interrupts.install()

def stop(number=signal.SIGINT):
    os.kill(os.getpid(), number)
    time.sleep(0.01)
"""


def ran(program):
    """Run a program that handles stops; return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout.split(), done.stderr


def test_a_stop_is_raised_once_remembered_and_never_swallowed():
    code, words, err = ran(
        """
class Dying:
    def __del__(self):
        stop(signal.SIGTERM)

Dying()  # Python drops what is raised here
try:
    time.sleep(5)
except KeyboardInterrupt:
    print("raised", interrupts.requested())
stop()  # within a moment of the last: shells signal a process and its group
print("once")
"""
    )
    assert (code, words, err) == (0, ["raised", str(int(signal.SIGTERM)), "once"], "")


def test_a_stop_waits_for_what_holds_it_back():
    _, words, err = ran(
        """
try:
    with interrupts.held_back():
        with interrupts.held_back():
            stop()
        print("stored")
    print("not reached")
except KeyboardInterrupt:
    print("raised")
"""
    )
    assert (words, err) == (["stored", "raised"], "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_stop_ends_the_process_at_once(number):
    code, words, err = ran(
        f"""
try:
    stop()
except KeyboardInterrupt:
    time.sleep(0.3)
    with interrupts.held_back():
        stop({int(number)})
print("not reached")
"""
    )
    assert (code, words, err) == (128 + number, [], "")


def test_a_stop_does_not_reach_a_child_even_while_it_imports():
    code, words, err = ran(
        """
import subprocess
with interrupts.unseen_by_children():
    child = subprocess.Popen([sys.executable, "-c", "import json, email; print('whole')"])
for _ in range(20):
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    time.sleep(0.002)
sys.exit(child.wait())
"""
    )
    assert (code, words, err) == (0, ["whole"], "")


def test_what_the_parent_switched_off_stays_off():
    command = f"trap '' INT; exec {sys.executable} -c '{HEAD}\nstop()\nprint(1)'"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_the_command_is_stopped_in_one_line_while_it_imports():
    program = """
import signal, sys, os
class Meddler:
    def find_spec(self, name, path, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.{})
sys.meta_path.insert(0, Meddler())
from benchbench.__main__ import main
main()
"""
    for name, code in (("SIGINT", 130), ("SIGTERM", 143)):
        done = subprocess.run(
            [sys.executable, "-c", program.format(name)], capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr == "benchbench: stopped. Finished cells are kept; run again to go on.\n"
