"""What a run says where its seeds are too few to speak for the methods."""

from __future__ import annotations

from collections import Counter

from benchbench.contract import Cell
from benchbench.evaluation import LEAST_SEEDS
from benchbench.evidence import Board


def seed_advice(board: Board) -> str:
    """Return why three seeds are worth their time, or an empty text where there are as many.

    The seeds of a system count on each dataset; those of tries of a search count for each try.
    """
    seeds = Counter(
        (entry.cell.dataset.name, _system(entry.cell), str(sorted(entry.tried.items())))
        for entry in board.cells
        if entry.cell.method.name not in board.seed_free_methods
    )
    few = sorted({system for (_, system, _), count in seeds.items() if count < LEAST_SEEDS})
    if not few:
        return ""
    return (
        f"{', '.join(few[:3])}{' and others' if len(few) > 3 else ''}: fewer than {LEAST_SEEDS} "
        "seeds, so intervals, tests and ranks are about these trained models. Another seed may "
        "reverse them. With --seeds 0,1,2 they are about the methods; seeds that ran are kept."
    )


def _system(cell: Cell) -> str:
    return f"{cell.method.name} · {cell.backbone.name}" if cell.backbone else cell.method.name
