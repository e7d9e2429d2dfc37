"""Small real objects that the tests of the core share: cells, records, boards, plugins."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from pluggy import PluginManager

from benchbench import Cell, Parameter, Record, Reference, hookimpl
from benchbench.catalog.lookup import load_catalog
from benchbench.catalog.plugins import DISABLE, GROUP
from benchbench.contract import (
    CellParameters,
    CorpusDescription,
    Identity,
    LabelSpace,
    LoadReport,
    hookspecs,
)
from benchbench.evidence.board import Board, BoardCell, BoardDataset
from benchbench.evidence.values import DatasetEvidence, Evidence
from benchbench.leaderboard.build import Section, build_leaderboard
from benchbench.leaderboard.tables import Column, Entry
from benchbench.leaderboard.tables import Row as Line
from benchbench.leaderboard.tables import Table as TableModel
from benchbench.machine import digest
from benchbench.records.identity import cell_id, key_of

HERE = Path(__file__).resolve().parent.parent
THIRD_PARTY = HERE / "thirdparty"


@dataclass(frozen=True)
class Table:
    """A dataset that is never read."""

    name: str = "claims"
    kind_of_corpus: str = "single-label"
    description: str = "a table"
    parameters: tuple = (Parameter("path", str, "here", "where"),)

    def kind(self, params):
        return self.kind_of_corpus

    def source(self, params):
        return digest(dict(params))

    def load(self, params, folder):
        raise AssertionError("planning reads no dataset")


@dataclass(frozen=True)
class Way:
    """A method that is never fitted."""

    name: str = "head"
    kinds: tuple = ("single-label", "multi-label")
    backbone_kinds: tuple = ("causal-lm",)
    seeded: bool = True
    description: str = "a way"
    parameters: tuple = (
        Parameter("rank", int, 16, "rank", minimum=1),
        Parameter("learning_rate", float, "auto", "step size", words=("auto",), minimum=0),
    )
    needs: tuple = ()

    def requires(self, cell):
        return tuple(replace(cell, method=Reference(name, name)) for name in self.needs)

    def fit(self, task):
        raise AssertionError("planning trains nothing")

    def load(self, folder, backbone):
        raise AssertionError("planning loads nothing")


@dataclass(frozen=True)
class Net:
    """A backbone that is never loaded. Mutable `weights` stand for the bytes on the disk."""

    name: str = "llama"
    kind: str = "causal-lm"
    family: str = "llama"
    description: str = "a model"
    parameters: tuple = (Parameter("dtype", str, "auto", "dtype"),)
    weights: list = field(default_factory=lambda: ["first"], hash=False)

    def identity(self, params, *, offline):
        if isinstance(self.weights[0], Exception):
            raise self.weights[0]
        return digest(self.weights[0])

    def load(self, params, *, device, dtype):
        raise AssertionError("planning loads no model")


def plugin(name="made", **suppliers):
    """Return a plugin module; `datasets=[...]` becomes its hook `benchbench_datasets`."""
    module = ModuleType(name)
    for noun, supplied in suppliers.items():
        function = supplied if callable(supplied) else (lambda given: lambda: given)(supplied)
        function.__name__ = f"benchbench_{noun}"
        setattr(module, f"benchbench_{noun}", hookimpl(function))
    return module


def catalog_of(*plugins, **suppliers):
    """Return the catalog of these plugins, or of one with these suppliers, and of no others."""
    manager = PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for module in plugins or (plugin(**suppliers),):
        manager.register(module, name=module.__name__)
    return load_catalog(manager)


def install(folder, name, source, *, plugin=None, version="1.0", package=None, point=None):
    """Lay out a distribution of one package, as an installer would; return its folder."""
    package = package or name.replace("-", "_")
    home = folder / f"{name}-{version}"
    (home / package).mkdir(parents=True)
    (home / package / "__init__.py").write_text(source, encoding="utf-8")
    info = home / f"{package}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = f"[{GROUP}]\n{plugin or name} = {point or package}\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    return home


def alone(monkeypatch, *folders):
    """Put the distributions of these folders on the path, and switch every other plugin off."""
    others = {point.name for point in entry_points(group=GROUP)}
    for folder in folders:
        for path in folder.glob("*/__init__.py"):
            monkeypatch.delitem(sys.modules, path.parent.name, raising=False)
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv(DISABLE, ",".join(sorted(others)))


def cell(dataset="claims", method="head", backbone="llama", seed=0, **params):
    """Return a cell; `params` are the method's."""
    return Cell(
        Reference(dataset, dataset),
        Reference(method, method, params),
        Reference(backbone, backbone) if backbone else None,
        seed,
    )


def scores(value, **more):
    """Return the values of a single-label run, by split and metric; None is no value."""
    names = ("macro_f1", "accuracy", "weighted_f1", "micro_f1")
    test = {name: each for name, each in {**dict.fromkeys(names, value), **more}.items()
            if each is not None}  # fmt: skip
    return {"validation": dict(test), "test": test}


VALUES = {}
"""What the predictions of made-up records would give; a record itself holds no metrics."""


def record(of=None, status="ok", value=0.5, attempt=1, **fields):
    """Return a record whose id and key follow from its content, and note what it would score."""
    of = of or cell()
    identity = fields.pop("identity", {"cell": cell_id(of), "weights": "first"})
    values = fields.pop("values", None) or scores(value)
    if status == "ok":
        fields.setdefault("facts", {"trainable_parameters": 1234})
        fields.setdefault("cost", {"fit_seconds": 2.5, "documents_per_second": 100.0})
    else:
        fields.setdefault("reason", "as planted")
    key = key_of(identity)
    made = Record(of, cell_id(of), key, attempt, status, identity=identity, **fields)
    VALUES[id(made)] = made, values  # with the record, so that no other gets its address
    return made


def facts(**more):
    """Return what a board keeps of a dataset."""
    usual = {
        "fingerprint": digest("claims"),
        "kind": "single-label",
        "main_metric": "macro_f1",
        "documents": {"train": 800, "validation": 100, "test": 100},
        "labels": 3,
    }
    return BoardDataset(**{**usual, **more})


def board(records, *, datasets=None, missing=(), **fields):
    """Return a board of these records' cells, and of cells that have none."""
    cells = [BoardCell(one.cell, one.id, one.key) for one in records]
    cells += [BoardCell(one, cell_id(one), None) for one in missing]
    names = sorted({entry.cell.dataset.name for entry in cells})
    return Board(
        fields.pop("name", "board"),
        fields.pop("title", "A board"),
        tuple(cells),
        datasets or {name: facts() for name in names},
        **fields,
    )


def evidence(records, of, *, support=()):
    """Return evidence with the values of these records, and without intervals and tests."""
    values = {one.id: VALUES[id(one)][1] for one in records if one.status == "ok"}
    datasets = {
        name: DatasetEvidence(dataset.main_metric, "accuracy", 0, 0, (), support, (), ())
        for name, dataset in of.datasets.items()
    }
    return Evidence("", datasets, values)


def built(records, of=None, **more):
    """Return the leaderboard of made-up records."""
    of = of or board(records)
    return build_leaderboard(of, by_id(records), evidence(records, of, **more))


def by_id(records):
    """Return records as `build_leaderboard` takes them."""
    return {one.id: one for one in records}


def ranked(columns, *rows, words=1, places=None, failures=(), notes=(), title="data"):
    """Return a section whose ranking has these texts, the first `words` columns being words."""
    places = places or range(1, len(rows) + 1)
    shown = tuple(Column.of(name, name, words=place < words) for place, name in enumerate(columns))
    lines = tuple(
        Line(place, tuple(Entry.words(text) for text in row))
        for place, row in zip(places, rows, strict=True)
    )
    table = TableModel("ranking", "Ranking", shown, lines)
    return Section(title, columns[-1], (table,), tuple(failures), tuple(notes))


def column(table, title):
    """Return the texts of a column of a table."""
    place = [each.title for each in table.columns].index(title)
    return [row.entries[place].text for row in table.rows]


def description(fingerprint=None, **more):
    """Return what a small corpus says of itself."""
    usual = {
        "kind": "single-label",
        "main_metric": "macro_f1",
        "labels": LabelSpace(("a", "b")),
        "documents": {"train": 80, "validation": 10, "test": 10},
        "characters": 40_000,
        "training_counts": (40, 40),
        "report": LoadReport(100, 100),
        "fingerprint": fingerprint or digest("claims"),
    }
    return CorpusDescription(**{**usual, **more})


def an_identity(**more):
    """Return all that decides the numbers of a made-up cell."""
    usual = {
        "cell": "0" * 64,
        "seed": 0,
        "parameters": CellParameters({}, {}, {"revision": "main"}),
        "device": "cpu",
        "dtype": "float32",
        "dataset": "d" * 64,
        "weights": "a" * 64,
        "plugins": {"benchbench:csv": "0" * 64},
        "core": "c" * 64,
        "packages": {},
    }
    return Identity(**{**usual, **more})
