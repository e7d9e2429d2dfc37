"""A small catalog, and what a grid in TOML gives with it."""

from __future__ import annotations

import pytest

from benchbench.contract.errors import GridError
from benchbench.grids.expansion import expand
from benchbench.grids.file import read_grid
from benchbench.grids.grid import Overrides
from tests.support.building import Net, Table, Way, catalog_of

CATALOG = catalog_of(
    datasets=[Table("claims"), Table("patents", "multi-label")],
    methods=[
        Way("head"),
        Way("instruction"),
        Way("tfidf", backbone_kinds=(), seeded=False, parameters=()),
        Way("centre", kinds=("single-label",), seeded=False),
        Way("encoder-head", backbone_kinds=("encoder",)),
    ],
    backbones=[Net("llama"), Net("qwen"), Net("bert", kind="encoder")],
)


def read(folder, text, overrides=None):
    path = folder / "trial.toml"
    path.write_text(text, encoding="utf-8")
    return read_grid(path, CATALOG, overrides)


def cells(folder, text, **overrides):
    asked = Overrides(**overrides)
    return expand(read(folder, text, asked), asked).cells


def titles(cells):
    return [cell.title for cell in cells]


def faults(folder, text, **overrides):
    with pytest.raises(GridError) as caught:
        cells(folder, text, **overrides)
    return caught.value.faults


def block(datasets="'claims'", methods="'head'", backbones="'llama'", more=""):
    return (
        f"[[block]]\ndatasets = [{datasets}]\nmethods = [{methods}]\n"
        f"backbones = [{backbones}]\n{more}\n"
    )
