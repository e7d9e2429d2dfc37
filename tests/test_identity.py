"""What makes two results the same thing."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import benchbench
from benchbench import Reference, identity
from benchbench.plugins import Plugin
from tests.building import cell

CORE = Path(benchbench.__file__).parent
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def block(plugins=(), **changes):
    asked = {
        "cell": cell(),
        "parameters": {"method": {"rank": 16}, "dataset": {"limit": 0}},
        "device": "cpu",
        "dtype": "float32",
        "fingerprint": "a" * 64,
        "weights": "b" * 64,
        "plugins": plugins,
        "upstream": ["d", "c"],
    }
    return identity.identity_block(**{**asked, **changes})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_a_number_that_json_does_not_know_has_no_canonical_spelling(value):
    with pytest.raises(ValueError, match="JSON"):
        identity.canonical({"metrics": [value]})


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), PLAIN, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(data, random):
    items = list(data.items())
    random.shuffle(items)
    assert identity.canonical(dict(items)) == identity.canonical(data)


def test_the_canonical_spelling_is_one_line_of_utf8():
    assert identity.canonical({"b": 1, "a": "Größe"}) == '{"a":"Größe","b":1}\n'.encode()


def test_a_name_that_is_no_text_can_be_spelled_all_the_same():
    assert identity.digest("caf\udce9.csv") != identity.digest("caf\udcea.csv")


def test_the_id_depends_on_everything_that_was_asked_for():
    asked = cell(rank=8)
    others = [
        cell(rank=16),
        cell(),
        replace(asked, seed=1),
        replace(asked, backbone=None),
        replace(asked, dataset=Reference("claims", "other")),
        replace(asked, method=Reference("head", "head", {"rank": 8.5})),
    ]
    ids = [identity.cell_id(one) for one in (asked, *others)]
    assert len(set(ids)) == len(ids)
    assert identity.cell_id(cell(rank=8)) == ids[0]


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"method": {"rank": 8}, "dataset": {"limit": 0}}},
        {"device": "cuda"},
        {"dtype": "bfloat16"},
        {"fingerprint": "c" * 64},
        {"weights": None},
        {"upstream": ["c"]},
        {"cell": cell(seed=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_key_follows_all_that_decides_numbers(change):
    assert identity.key(block(**change)) != identity.key(block())


def test_the_key_does_not_depend_on_the_order_of_what_was_required():
    assert identity.key(block(upstream=["c", "d"])) == identity.key(block())


def test_the_key_holds_neither_commit_nor_host_nor_threads(monkeypatch):
    before = block()
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("HOSTNAME", "elsewhere")
    assert block() == before
    assert set(before) == {
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
def test_one_byte_changed_in_a_plugins_source_changes_the_key(tmp_path, file, matters, entry):
    home = tmp_path / "stranger"
    (home / "deeper").mkdir(parents=True)
    for name in ("__init__.py", "hooks.py", "deeper/method.py", "notes.txt"):
        (home / name).write_text("x = 1\n")
    module = ModuleType("stranger")
    module.__file__ = str(home / ("__init__.py" if entry == "package" else "hooks.py"))
    plugins = [Plugin("stranger", "stranger-dist", "1.0", module)]
    before = identity.key(block(plugins))
    (home / file).write_text("x = 2\n")
    assert (identity.key(block(plugins)) != before) == matters


def test_a_plugin_of_one_file_is_known_by_that_file_alone(tmp_path):
    (tmp_path / "single.py").write_text("x = 1\n")
    module = ModuleType("single")
    module.__file__ = str(tmp_path / "single.py")
    before = identity.source_digest(module)
    (tmp_path / "neighbour.py").write_text("y = 1\n")
    assert identity.source_digest(module) == before
    (tmp_path / "single.py").write_text("x = 2\n")
    assert identity.source_digest(module) != before


def test_a_plugins_folder_may_move_without_changing_its_digest(tmp_path):
    for folder in ("here", "there"):
        shutil.copytree(CORE / "render", tmp_path / folder / "render")
    modules = []
    for folder in ("here", "there"):
        module = ModuleType("render")
        module.__file__ = str(tmp_path / folder / "render" / "__init__.py")
        modules.append(module)
    assert len({identity.source_digest(module) for module in modules}) == 1


@pytest.mark.parametrize(
    ("file", "matters"),
    [("worker.py", True), ("kit/pooling.py", True), ("parameters.py", True), ("suite.py", False)],
)
def test_the_digest_of_the_core_covers_what_runs_a_cell(tmp_path, file, matters):
    copy = tmp_path / "benchbench"
    shutil.copytree(CORE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert core_digest_of(tmp_path) == identity.core_digest()
    with (copy / file).open("a") as source:
        source.write("# one more line\n")
    assert (core_digest_of(tmp_path) != identity.core_digest()) == matters


def test_every_execution_module_is_there():
    assert all((CORE / name).exists() for name in identity.EXECUTION)


def test_versions_are_those_of_installed_packages():
    versions = identity.package_versions()
    assert versions["numpy"] == importlib.import_module("numpy").__version__
    assert "no-such-package" not in versions


def core_digest_of(folder):
    code = "from benchbench.identity import core_digest; print(core_digest())"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
