"""Those who work in a folder hold it together, who clears it up holds it alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchbench import BenchbenchError
from benchbench.machine import held_alone, held_together

HOLD = """
import sys
from pathlib import Path
from benchbench.machine import held_together
with held_together(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_several_may_hold_a_folder_together(tmp_path):
    with held_together(tmp_path), held_together(tmp_path):
        pass


def test_a_folder_in_use_is_not_held_alone_until_the_user_is_gone_even_killed(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout.readline() == "held\n"
    with pytest.raises(BenchbenchError, match="is in use by a run"), held_alone(tmp_path):
        raise AssertionError("it was held")
    other.kill()
    other.communicate()
    with held_alone(tmp_path):
        pass


def test_a_folder_that_is_not_there_or_is_a_link_is_not_held_alone(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("missing", "link"):
        with pytest.raises(BenchbenchError, match="cannot be locked"), held_alone(tmp_path / name):
            raise AssertionError("it was held")
    with held_together(tmp_path / "missing"):
        pass  # a run goes on without
