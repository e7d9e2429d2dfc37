"""A package that was just begun passes its own tests and the contract, whatever its kind."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from benchbench import BenchbenchError
from benchbench.catalog import load_catalog
from benchbench.scaffold import KINDS, check_plugin, write_package
from tests.support.commands import environment


def installed(folder, name, kind):
    """Begin a package and lay it out as `pip install -e` would; return its folder."""
    home = write_package(name, kind, folder)[0].parent
    project = tomllib.loads((home / "pyproject.toml").read_text())["project"]
    info = home / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    ((point, module),) = project["entry-points"]["benchbench"].items()
    (info / "entry_points.txt").write_text(f"[benchbench]\n{point} = {module}\n")
    return home


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_passes_its_own_tests(tmp_path, kind):
    home = installed(tmp_path, "my-idea", kind)
    place = environment(tmp_path)
    place["PYTHONPATH"] = f"{home}:{place['PYTHONPATH']}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=home, env=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("kind", ["method", "dataset", "metric", "executor", "watcher", "grid"])
def test_a_new_package_keeps_the_contract(tmp_path, monkeypatch, kind):
    name = f"kept-{kind}"
    monkeypatch.syspath_prepend(str(installed(tmp_path, name, kind)))
    checks = list(check_plugin(load_catalog(), name))
    assert {check.level for check in checks} == {"ok"}
    assert len(checks) == (1 if kind == "watcher" else 2)


FAULTS = {
    "dtype": ("dtype=np.float32", "dtype=np.float64", "logits are float64, expected float32"),
    "save": ('"smoothing": self.smoothing}', '"smoothing": 9.0}', "after save and load"),
    "raises": ("def fit(self, task):", "def fit(self, task):\n        1 / 0\n",
               "ZeroDivisionError: division by zero"),
    "exits": ("def fit(self, task):", "def fit(self, task):\n        raise SystemExit(3)\n",
              "SystemExit"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_method_that_breaks_the_contract_is_found(tmp_path, monkeypatch, fault):
    before, after, reason = FAULTS[fault]
    name = f"broken-{fault}"
    home = installed(tmp_path, name, "method")
    module = home / f"benchbench_broken_{fault}" / "method.py"
    assert before in module.read_text()
    module.write_text(module.read_text().replace(before, after))
    monkeypatch.syspath_prepend(str(home))
    loaded, check = check_plugin(load_catalog(), name)
    assert (loaded.level, check.level) == ("ok", "fault")
    assert reason in check.reason


def test_a_plugin_that_is_not_installed_is_named_with_the_nearest():
    with pytest.raises(BenchbenchError, match="Did you mean 'baselines'"):
        list(check_plugin(load_catalog(), "baseline"))


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a--b", "1a", "../up", "a" * 41, "é",
                                  "class"])  # fmt: skip
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    with pytest.raises(BenchbenchError, match="name"):
        write_package(name, "method", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_never_touched(tmp_path):
    (tmp_path / "benchbench-mine").mkdir()
    (tmp_path / "benchbench-linked").symlink_to(tmp_path / "nowhere")
    for name in ("mine", "linked"):
        with pytest.raises(BenchbenchError, match="exists already"):
            write_package(name, "method", tmp_path)
    with pytest.raises(BenchbenchError, match="Did you mean 'method'"):
        write_package("new", "metod", tmp_path)
    assert list((tmp_path / "benchbench-mine").iterdir()) == []
