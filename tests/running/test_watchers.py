"""Every watcher is called, and one that raises is named."""

from __future__ import annotations

import pluggy
import pytest

from benchbench.contract import hookimpl, hookspecs
from benchbench.running.run_state import warn_once
from benchbench.running.watchers import call_watchers
from tests.support.building import record


class Counting:
    def __init__(self):
        self.seen = []

    @hookimpl
    def benchbench_cell_finished(self, record):
        self.seen.append(record)


class Raising:
    @hookimpl
    def benchbench_cell_finished(self):
        raise RuntimeError("no")


class Around:
    def __init__(self):
        self.calls = 0

    @hookimpl(wrapper=True)
    def benchbench_cell_finished(self):
        self.calls += 1
        return (yield)


@pytest.fixture
def manager():
    warn_once.cache_clear()
    made = pluggy.PluginManager("benchbench")
    made.add_hookspecs(hookspecs)
    return made


@pytest.mark.parametrize("order", [("counting", "raising"), ("raising", "counting")])
def test_one_that_raises_is_named_once_and_the_others_are_called(manager, capsys, order):
    watchers = {"counting": Counting(), "raising": Raising()}
    for name in order:
        manager.register(watchers[name], name=name)
    one = record()
    for _ in range(3):
        call_watchers(manager.hook.benchbench_cell_finished, record=one)
    assert watchers["counting"].seen == [one] * 3
    assert capsys.readouterr().err == "benchbench: watcher 'raising' raised RuntimeError: no\n"


def test_a_wrapper_stays_around_the_others(manager, capsys):
    around, counting = Around(), Counting()
    manager.register(around)
    manager.register(counting)
    call_watchers(manager.hook.benchbench_cell_finished, record=record())
    assert (around.calls, len(counting.seen)) == (1, 1)
    assert capsys.readouterr().err == ""
