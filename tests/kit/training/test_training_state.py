"""A state that was written is read as it was, or not at all."""

from __future__ import annotations

import random
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.contract import StoreError
from benchbench.kit.training.training_state import (
    DamagedState,
    TrainingState,
    random_state,
    read_state,
    restore_random_state,
    write_state,
)
from benchbench.machine import fsio

STATE = TrainingState.of(
    {"inner": TrainingState({"n": 3, "x": 0.1}, {"w": torch.arange(6.0).view(2, 3)})}, step=7
)


def assert_same(state, expected):
    assert state.facts == expected.facts
    assert state.tensors.keys() == expected.tensors.keys()
    assert all(torch.equal(state.tensors[name], expected.tensors[name]) for name in state.tensors)


def test_a_state_comes_back_with_its_parts(tmp_path):
    write_state(tmp_path, 1, STATE)
    state = read_state(tmp_path, 1)
    assert_same(state, STATE)
    assert_same(state.part("inner"), STATE.part("inner"))
    assert read_state(tmp_path, 2) is None


def test_the_newest_state_replaces_the_one_before_it(tmp_path):
    write_state(tmp_path, 1, STATE)
    newer = TrainingState({"step": 8}, {"w": torch.ones(2)})
    write_state(tmp_path, 1, newer)
    write_state(tmp_path, 2, STATE)
    assert_same(read_state(tmp_path, 1), newer)
    assert_same(read_state(tmp_path, 2), STATE)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_write_that_is_cut_off_leaves_the_state_before_it(tmp_path, monkeypatch):
    write_state(tmp_path, 1, STATE)

    def full(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(fsio, "replace", full)
    with pytest.raises(StoreError):
        write_state(tmp_path, 1, TrainingState({"step": 8}, {"w": torch.ones(2)}))
    assert_same(read_state(tmp_path, 1), STATE)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_state(folder, 1, STATE)
    return folder


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_byte_is_noticed(written, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(written, folder, dirs_exist_ok=True)
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        changed = content[:at]
    else:
        changed = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))])
        changed += content[at + 1 :]
    path.write_bytes(changed)
    with pytest.raises(DamagedState):
        read_state(folder, 1)


def test_tensors_that_are_gone_are_noticed(tmp_path):
    write_state(tmp_path, 1, STATE)
    next(tmp_path.glob("*.safetensors")).unlink()
    with pytest.raises(DamagedState, match="No such file"):
        read_state(tmp_path, 1)


def test_random_numbers_go_on_where_they_were(tmp_path):
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    np.random.standard_normal()  # leaves a second number for later
    write_state(tmp_path, 1, random_state())

    def drawn():
        return random.gauss(0, 1), np.random.standard_normal(), torch.rand(3).tolist()

    expected = drawn(), drawn()
    restore_random_state(read_state(tmp_path, 1))
    assert (drawn(), drawn()) == expected
