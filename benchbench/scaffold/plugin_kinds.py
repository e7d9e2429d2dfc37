"""The kinds of plugin that can be begun: the files of each, and how to try it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAJORITY = "--dataset demo-claims --method majority --limit 60 --seeds 0"


@dataclass(frozen=True, slots=True)
class PluginKind:
    """A kind of plugin.

    `module` is the file of the package that does the work, `test` the template of its tests.
    `imports` and `hook` are the lines of `__init__.py`. `words` are what `benchbench run` takes to
    try it, `and_so` is what its test asserts beside.
    """

    imports: str
    hook: str
    words: str
    module: str = ""
    test: str = "test_run.py"
    and_so: str = "not log.exists()"


def _hook(name: str, line: str, arguments: str = "") -> str:
    return f"@hookimpl\ndef benchbench_{name}({arguments}):\n    {line}\n"


def _supplying(noun: str, words: str) -> PluginKind:
    """Return the kind of a plugin that supplies one object of a class."""
    return PluginKind(
        f"from benchbench import hookimpl\n\nfrom $package.{noun} import $Class\n",
        _hook(f"{noun}s", "return [$Class()]"),
        words,
        f"{noun}.py",
        f"test_{noun}.py",
    )


KINDS: Mapping[str, PluginKind] = {
    "method": _supplying("method", "--dataset demo-claims --method $name --limit 60"),
    "dataset": _supplying("dataset", "--dataset $name --method tfidf-svm"),
    "backbone": _supplying(
        "backbone", "--dataset demo-claims --method frozen-embedding --backbone $name --limit 60"
    ),
    "metric": PluginKind(
        "from benchbench import hookimpl\n\nfrom $package.metric import METRIC\n",
        _hook("metrics", "return [METRIC]"),
        MAJORITY,
        "metric.py",
        "test_metric.py",
    ),
    "executor": PluginKind(
        "from benchbench import hookimpl\n\nfrom $package.executor import $Class\n",
        _hook("executors", "return [$Class()]"),
        f"{MAJORITY} --executor $name",
        "executor.py",
    ),
    "watcher": PluginKind(
        "from benchbench import hookimpl\n\nfrom $package.watcher import note\n",
        _hook("cell_finished", "note(record)", "record"),
        MAJORITY,
        "watcher.py",
        and_so='"majority" in log.read_text(encoding="utf-8")',
    ),
    "grid": PluginKind(
        "from pathlib import Path\n\nfrom benchbench import hookimpl\n",
        _hook("grids", 'return {"$name": Path(__file__).parent / "grid.toml"}'),
        "--grid $name",
        "grid.toml",
    ),
}
"""The kinds by name, in the order in which CONTRIBUTING has them."""
