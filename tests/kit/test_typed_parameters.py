"""Parameters become a frozen dataclass by the names of its fields."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from benchbench.contract import PluginError
from benchbench.kit.typed_parameters import read_parameters


@dataclass(frozen=True, slots=True)
class Settings:
    rate: float | str
    steps: int
    names: tuple[str, ...] = ()
    derived: int = field(init=False, default=7)


def test_values_are_taken_as_they_are():
    values = {"rate": "auto", "steps": 3, "names": ("a",), "more": True}
    assert read_parameters(Settings, values) == Settings("auto", 3, ("a",))


def test_settled_values_go_first():
    assert read_parameters(Settings, {"rate": "auto", "steps": 3}, rate=0.5).rate == 0.5
    assert read_parameters(Settings, {"rate": 0.5}, steps=2).steps == 2


def test_a_field_that_is_no_parameter_is_named():
    with pytest.raises(PluginError, match=r"needs the parameter 'steps'.* present: rate"):
        read_parameters(Settings, {"rate": 0.5})


def test_a_field_that_is_not_settable_is_left_alone():
    assert read_parameters(Settings, {"rate": 1.0, "steps": 1, "derived": 3}).derived == 7
