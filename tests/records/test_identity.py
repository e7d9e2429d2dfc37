"""What identifies a result: the id of a cell and the key of a record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import benchbench
from benchbench import Reference
from benchbench.contract import CellParameters, Identity
from benchbench.machine.source_code import module_digest
from benchbench.records import identity
from tests.support.building import cell

CORE = Path(benchbench.__file__).parent


def block(plugins=None, *, of=None, **changes):
    usual = Identity(
        cell=identity.cell_id(of or cell()),
        seed=(of or cell()).seed,
        parameters=CellParameters({"limit": 0}, {"rank": 16}),
        device="cpu",
        dtype="float32",
        dataset="a" * 64,
        weights="b" * 64,
        plugins=plugins or {},
        core="e" * 64,
        packages={"torch": "2.13.0"},
        upstream=("d", "c"),
    )
    return replace(usual, **changes)


def test_the_id_depends_on_all_that_was_asked_for():
    asked = cell(rank=8)
    others = [
        cell(rank=16),
        cell(),
        replace(asked, seed=1),
        replace(asked, backbone=None),
        replace(asked, dataset=Reference("claims", "other")),
        replace(asked, method=Reference("head", "head", {"rank": 8.5})),
    ]
    ids = [identity.cell_id(other) for other in (asked, *others)]
    assert len(set(ids)) == len(ids)
    assert identity.cell_id(cell(rank=8)) == ids[0]


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": CellParameters({"limit": 0}, {"rank": 8})},
        {"device": "cuda"},
        {"dtype": "bfloat16"},
        {"dataset": "c" * 64},
        {"weights": None},
        {"upstream": ("c",)},
        {"of": cell(seed=1)},
        {"core": "f" * 64},
        {"packages": {"torch": "2.14.0"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_key_depends_on_all_that_decides_numbers(change):
    assert identity.key_of(block(**change)) != identity.key_of(block())


def test_the_key_does_not_depend_on_the_order_of_required_cells():
    assert identity.key_of(block(upstream=("c", "d"))) == identity.key_of(block())


def test_the_key_does_not_depend_on_commit_host_or_threads(monkeypatch):
    before = block()
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("HOSTNAME", "elsewhere")
    assert block() == before
    assert set(before.to_json()) == {
        "cell", "seed", "parameters", "device", "dtype", "dataset", "weights", "plugins", "core",
        "packages", "upstream",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        pytest.param("__init__.py", True, id="the-module-with-the-hooks"),
        pytest.param("deeper/method.py", True, id="a-module-it-imports"),
        pytest.param("notes.txt", False, id="what-is-no-source"),
    ],
)
@pytest.mark.parametrize("entry", ["package", "module-in-it"])
def test_the_key_depends_on_the_source_of_plugins(tmp_path, file, matters, entry):
    home = tmp_path / "stranger"
    (home / "deeper").mkdir(parents=True)
    for name in ("__init__.py", "hooks.py", "deeper/method.py", "notes.txt"):
        (home / name).write_text("x = 1\n")
    module = ModuleType("stranger")
    module.__file__ = str(home / ("__init__.py" if entry == "package" else "hooks.py"))
    before = identity.key_of(block({"stranger-dist:stranger": module_digest(module)}))
    (home / file).write_text("x = 2\n")
    assert (
        identity.key_of(block({"stranger-dist:stranger": module_digest(module)})) != before
    ) == matters
