"""A training that was ended goes on from its saved state to the very same weights."""

from __future__ import annotations

import errno

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from benchbench.contract import StoreError
from benchbench.kit.training import checkpoints, train
from benchbench.kit.training.checkpoints import Checkpoints, SavingBudget
from tests.kit.training.test_loop import INPUTS, TARGETS, plan_of, training_task


@pytest.fixture
def at_every_step(monkeypatch):
    """Save after every step, however long that takes."""
    monkeypatch.setattr(checkpoints, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "LARGEST_SHARE", float("inf"))


class Ended(BaseException):
    """What ends a training from outside."""


class Trainee:
    """A small model with dropout, and a loss that ends its training at one of its calls."""

    def __init__(self, ends_at=None):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.5), nn.Linear(16, 2))
        self.calls, self.ends_at, self.curve = 0, ends_at, []

    def loss(self, rows):
        self.calls += 1
        if self.calls == self.ends_at:
            raise Ended
        return nn.functional.cross_entropy(self.model(INPUTS[rows]), TARGETS[rows])

    def train(self, folder, seed=0, **params):
        cell = Checkpoints(folder)
        task = training_task(self.model, loss=self.loss)
        plan = plan_of(**({"epochs": 3, "learning_rate": 0.02} | params))
        with cell.enabled():
            self.facts = train(task, plan, lambda *row: self.curve.append(row), seed)
        return cell

    @property
    def weights(self):
        return torch.cat([weight.detach().flatten() for weight in self.model.parameters()])

    @property
    def told(self):
        """The curve without what depends on the clock."""
        return [
            (step, total, {k: v for k, v in values.items() if k != "documents_per_second"})
            for step, total, values in self.curve
        ]


def whole(**params):
    trainee = Trainee()
    trainee.train(None, **params)
    return trainee


def assert_same(trainee, expected):
    assert torch.equal(trainee.weights, expected.weights)
    assert trainee.told == expected.told
    assert trainee.facts == expected.facts


@pytest.mark.parametrize(
    "params",
    [{}, {"accumulation": 3}, {"patience": 1}, {"micro_tokens": 3}],
    ids=["plain", "accumulated", "early-stopping", "micro-batches"],
)
@pytest.mark.parametrize("ends_at", [2, 4, 5, 9, 12])
def test_an_ended_training_goes_on_to_the_same_weights(tmp_path, at_every_step, ends_at, params):
    expected = whole(**params)
    if ends_at >= expected.calls:
        ends_at = expected.calls
    with pytest.raises(Ended):
        Trainee(ends_at).train(tmp_path, **params)
    trainee = Trainee()
    cell = trainee.train(tmp_path, **params)
    assert_same(trainee, expected)
    size = 3 if "micro_tokens" in params else 1
    if ends_at > size * params.get("accumulation", 1):
        assert cell.resumed_at
        assert trainee.calls < expected.calls
    assert not cell.ignored


def test_a_training_that_is_ended_again_and_again_goes_on(tmp_path, at_every_step):
    expected, ended = whole(), 0
    while True:
        trainee = Trainee(ends_at=3)
        try:
            cell = trainee.train(tmp_path)
        except Ended:
            ended += 1
        else:
            break
    assert ended == 5
    assert cell.resumed_at == [2, 4, 6, 8, 10]
    assert_same(trainee, expected)


def test_nothing_is_saved_outside_a_cell_or_without_a_folder(tmp_path, at_every_step, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainee = Trainee()
    train(training_task(trainee.model, loss=trainee.loss), plan_of(), lambda *_: None, 0)
    whole()
    assert list(tmp_path.iterdir()) == []


def test_a_short_training_saves_nothing(tmp_path):
    Trainee().train(tmp_path / "states")
    assert not (tmp_path / "states").exists()


def test_a_damaged_state_is_not_used_and_named(tmp_path, at_every_step):
    expected = whole()
    with pytest.raises(Ended):
        Trainee(8).train(tmp_path)
    path = next(tmp_path.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    trainee = Trainee()
    cell = trainee.train(tmp_path)
    assert_same(trainee, expected)
    assert cell.resumed_at == []
    assert "the state of training 1 is damaged: its tensors do not match" in cell.ignored[0]


@pytest.mark.parametrize("other", [{"seed": 1}, {"learning_rate": 0.03}], ids=["seed", "plan"])
def test_the_state_of_another_training_is_not_used(tmp_path, at_every_step, other):
    with pytest.raises(Ended):
        Trainee(8).train(tmp_path, **other)
    trainee = Trainee()
    cell = trainee.train(tmp_path)
    assert_same(trainee, whole())
    assert cell.ignored == ["the state of training 1 is of another one"]


def test_trainings_of_one_cell_have_states_of_their_own(tmp_path, at_every_step):
    cell = Checkpoints(tmp_path)
    with cell.enabled():
        for seed in (0, 1):
            trainee = Trainee()
            train(training_task(trainee.model, loss=trainee.loss), plan_of(), lambda *_: None, seed)
    assert {path.name for path in tmp_path.glob("*.json")} == {"1.json", "2.json"}
    assert cell.ignored == []


def test_a_full_disk_costs_the_states_and_not_the_training(tmp_path, at_every_step, monkeypatch):
    def full(*_):
        raise StoreError("cannot be written") from OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(checkpoints, "write_state", full)
    trainee = Trainee()
    cell = trainee.train(tmp_path)
    assert_same(trainee, whole())
    assert cell.notes() == {"fault": "No space left on device"}


def test_two_processes_do_not_save_in_one_folder(tmp_path, at_every_step):
    first = Checkpoints(tmp_path)
    assert first.holds_lock()
    with first.enabled():
        second = Checkpoints(tmp_path)
        assert not second.holds_lock()
    assert second.notes() == {"fault": "another process trains the same cell"}


@given(st.floats(0.001, 60), st.lists(st.floats(0.01, 20), min_size=1, max_size=200))
def test_states_cost_at_most_their_share_of_the_time(seconds, steps):
    """By the clock of a training whose steps and states take these times."""
    budget = SavingBudget(seconds, 0.0, 30.0, 0.02)
    now = last = 0.0
    for step in steps:
        now += step
        if budget.allows(now):
            assert now - last >= 30
            budget.count(now, now + seconds)
            now += seconds
            last = now
            assert budget.spent <= 0.02 * now
