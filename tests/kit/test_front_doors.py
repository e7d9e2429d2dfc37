"""The kit and its rooms say in one place what they offer, and bring nothing heavy."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from benchbench import kit

DOORS = (
    "benchbench.kit",
    "benchbench.kit.data",
    "benchbench.kit.scoring",
    "benchbench.kit.training",
)
HEAVY = ("torch", "transformers", "datasets", "pandas", "pyarrow", "numpy", "scipy", "sklearn")


@pytest.mark.parametrize("name", DOORS)
def test_a_front_door_is_one_sentence_and_a_sorted_list_of_what_is_there(name):
    door = importlib.import_module(name)
    assert door.__doc__.endswith(".")
    assert "\n" not in door.__doc__
    assert len(set(door.__all__)) == len(door.__all__) > 0
    for offered in door.__all__:
        assert hasattr(door, offered) or importlib.import_module(f"{name}.{offered}")


@pytest.mark.parametrize("name", DOORS)
def test_all_that_a_front_door_offers_comes_without_a_heavy_package(name):
    program = (
        f"import sys; from {name} import *; "
        f"print([package for package in {HEAVY!r} if package in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr or answer.stdout


def test_the_kit_names_all_of_its_modules():
    folder = Path(kit.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert set(kit.__all__) == files | rooms
