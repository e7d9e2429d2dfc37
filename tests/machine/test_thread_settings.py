"""Threads are as many as they may be, and those that wait sleep soon."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchbench.machine.thread_settings import (
    CHOICES,
    THREAD_VARIABLES,
    WAITING,
    set_threads,
    wait_briefly,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in (*THREAD_VARIABLES, *CHOICES, "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, "")  # put back at the end
        monkeypatch.delenv(name)


def test_every_library_is_told_the_number_of_threads():
    set_threads(1)
    assert {os.environ[name] for name in THREAD_VARIABLES} == {"1"}
    assert os.environ["GOMP_SPINCOUNT"] == WAITING["GOMP_SPINCOUNT"]
    code = "import torch; print(torch.get_num_threads())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "1"


@pytest.mark.parametrize("name", CHOICES)
def test_what_a_user_has_chosen_stays(monkeypatch, name):
    monkeypatch.setenv(name, "ACTIVE" if name == "OMP_WAIT_POLICY" else "5")
    wait_briefly()
    chosen = {name: os.environ[name] for name in CHOICES if name in os.environ}
    assert list(chosen) == [name]
    assert chosen[name] in ("ACTIVE", "5")
