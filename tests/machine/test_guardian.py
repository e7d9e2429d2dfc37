"""What a process has started ends with it, in whatever session it is and however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux hands over orphans")

PROGRAM = """
import os, signal, sys, time
from benchbench.machine import guardian

guardian.GRACE_SECONDS = 0.3

class Suite:
    sentinel = int(sys.argv[3])

guardian.parent_process = lambda: Suite
guardian.enter_guarded_process()

def note(name):
    with open(sys.argv[2] + name + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[2] + name + ".new", sys.argv[2] + name)

if os.fork() == 0:  # a daemon: another session, ignoring SIGTERM, its parent gone
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note("daemon")
        time.sleep(60)
    os._exit(0)
while not os.path.exists(sys.argv[2] + "daemon"):
    time.sleep(0.01)
note("child")
exec(sys.argv[1])
"""


def started(tmp_path, then):
    """Start a guarded process with a daemon; return it, its suite's pipe and both process ids."""
    suite, alive = os.pipe()
    prefix = f"{tmp_path}{os.sep}"
    command = [sys.executable, "-c", PROGRAM, then, prefix, str(suite)]
    process = subprocess.Popen(command, pass_fds=[suite])
    os.close(suite)
    end = time.monotonic() + 60
    while not (tmp_path / "child").exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    return process, alive, [int((tmp_path / name).read_text()) for name in ("child", "daemon")]


def ended(pid):
    """Say whether a process ends within moments. A zombie has ended."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("then", "code"),
    [
        pytest.param("sys.exit(0)", 0, id="it-ends"),
        pytest.param("os._exit(3)", 3, id="it-exits-with-a-code"),
        pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, id="it-crashes"),
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, id="it-is-killed"),
    ],
)
def test_a_guardian_ends_like_its_child_and_takes_daemons_with_it(tmp_path, then, code):
    process, alive, pids = started(tmp_path, then)
    assert process.wait(20) == code
    assert all(map(ended, pids))
    os.close(alive)


@pytest.mark.parametrize("how", ["asked", "suite killed"])
def test_a_guardian_ends_all_when_it_is_asked_or_the_suite_is_gone(tmp_path, how):
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    process, alive, pids = started(tmp_path, stubborn)
    if how == "asked":
        process.terminate()
    else:
        os.close(alive)  # as the kernel does when the suite is killed
        alive = None
    process.wait(20)
    assert all(map(ended, pids))
    if alive is not None:
        os.close(alive)


def test_a_child_does_not_outlive_a_guardian_that_is_killed(tmp_path):
    process, alive, (child, daemon) = started(tmp_path, "time.sleep(60)")
    process.kill()
    process.wait()
    assert ended(child)
    os.kill(daemon, signal.SIGKILL)  # nobody is left to do it
    os.close(alive)


def test_ctrl_c_does_not_reach_a_guarded_process(tmp_path):
    process, alive, (child, _) = started(tmp_path, "time.sleep(0.5); os._exit(7)")
    os.kill(child, signal.SIGINT)
    assert process.wait(20) == 7
    os.close(alive)
