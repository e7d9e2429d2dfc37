"""Titles of cells that stand together: two different cells have two different titles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchbench.contract.cell import Cell
from benchbench.contract.parameters import Params


def titles_of(cells: Iterable[Cell]) -> dict[Cell, str]:
    """Return the title of each cell; those of one title also get the parameters that differ.

    So the tries of a search can be told apart.
    """
    alike: dict[str, list[Cell]] = {}
    for cell in dict.fromkeys(cells):
        alike.setdefault(cell.title, []).append(cell)
    return {
        cell: title + differing[cell]
        for title, group in alike.items()
        for differing in [differing_params(group)]
        for cell in group
    }


def differing_params(cells: Iterable[Cell]) -> dict[Cell, str]:
    """Return what tells these cells apart, as in " · rank = 8"; an empty text where nothing does.

    A parameter that a cell does not ask for is left out of its text.
    """
    asked = {cell: _params(cell) for cell in cells}
    names = sorted({name for params in asked.values() for name in params})
    differing = [name for name in names if len({repr(p.get(name)) for p in asked.values()}) > 1]
    return {
        cell: "".join(f" · {name} = {params[name]}" for name in differing if name in params)
        for cell, params in asked.items()
    }


def _params(cell: Cell) -> Params:
    backbone: Mapping[str, object] = cell.backbone.params if cell.backbone else {}
    return {**cell.dataset.params, **backbone, **cell.method.params}  # type: ignore[dict-item]
