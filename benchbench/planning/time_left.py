"""What is left of a grid: the forecasts, corrected by what the finished cells took.

A forecast counts the operations of a cell, so it leaves out the start of its process, and it can be
wrong by a factor that is much the same for cells of one kind. The kinds of a cell are, from wide to
narrow: all cells, those of its method, those of its method and backbone. From kind to kind,

    factor = (measured seconds + TRUST_SECONDS x the factor so far)
             / (forecast seconds + TRUST_SECONDS)

where each finished cell counts in the narrowest kind that it shares, and the first factor is 1. So
near cells count most, and a few short cells hardly change the forecast of a long one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from benchbench.contract import Cell, Record
from benchbench.planning.forecast import Forecast

START_SECONDS = 1.0
"""The seconds that a cell takes besides computing (measured with miniatures)."""
TRUST_SECONDS = 30.0
"""A forecast counts as much as this many seconds of finished cells."""

Kind = tuple[str, ...]
Sums = tuple[float, float]
NOTHING: Sums = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The seconds that cells still take, and how many cells there are of known and unknown time."""

    seconds: float
    known: int
    unknown: int


def together(seconds: Sequence[float], jobs: int) -> float:
    """Return how long cells take together, `jobs` at a time.

    >>> together([60.0, 20.0, 20.0], jobs=2)  # no cell is shared out over two jobs
    60.0
    """
    return max(sum(seconds) / max(1, jobs), *seconds, 0.0)


def time_left(expected: Iterable[float | None], jobs: int) -> TimeLeft:
    """Return what is left of cells that are expected to take so long; None is unknown."""
    times = list(expected)
    known = [seconds for seconds in times if seconds is not None]
    return TimeLeft(together(known, jobs), len(known), len(times) - len(known))


def expected_seconds(
    needs: Mapping[Cell, Forecast], finished: Iterable[Record]
) -> dict[Cell, float | None]:
    """Return cell -> the seconds that it is expected to take, None where that is unknown.

    `needs` are the forecasts before the run, and `finished` the records since. Where a cell has
    finished with another seed, the mean of what its seeds took counts.
    """
    taken = {
        record.cell: seconds
        for record in finished
        if record.status == "ok" and (seconds := record.cost.get("wall_seconds")) is not None
    }
    seeds: dict[Cell, list[float]] = defaultdict(list)
    for cell, seconds in taken.items():
        seeds[replace(cell, seed=0)].append(seconds)
    sums = _sums(needs, taken)
    return {
        cell: mean(measured)
        if (measured := seeds.get(replace(cell, seed=0)))
        else _corrected(cell, need, sums)
        for cell, need in needs.items()
    }


def _corrected(cell: Cell, need: Forecast, sums: Mapping[Kind, Sums]) -> float | None:
    if need.seconds is None or need.basis == "measured":
        return need.seconds
    kinds, factor = _kinds(cell), 1.0
    for kind, narrower in zip(kinds, (*kinds[1:], None), strict=True):
        measured, forecast = sums.get(kind, NOTHING)
        counted_later = sums.get(narrower, NOTHING) if narrower is not None else NOTHING
        measured, forecast = measured - counted_later[0], forecast - counted_later[1]
        factor = (measured + TRUST_SECONDS * factor) / (forecast + TRUST_SECONDS)
    return START_SECONDS + factor * need.seconds


def _sums(needs: Mapping[Cell, Forecast], taken: Mapping[Cell, float]) -> dict[Kind, Sums]:
    """Return kind -> measured and forecast seconds of its finished cells that were estimated."""
    sums: dict[Kind, Sums] = {}
    for cell, seconds in taken.items():
        need = needs.get(cell)
        if need is None or need.seconds is None or need.basis != "estimated":
            continue
        for kind in _kinds(cell):
            measured, forecast = sums.get(kind, NOTHING)
            computing = max(0.0, seconds - START_SECONDS)
            sums[kind] = measured + computing, forecast + need.seconds
    return sums


def _kinds(cell: Cell) -> tuple[Kind, ...]:
    """Return the kinds that a cell belongs to, from wide to narrow."""
    backbone = cell.backbone.name if cell.backbone else ""
    return (), (cell.method.name,), (cell.method.name, backbone)
