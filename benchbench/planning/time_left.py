"""What is left of a grid: the forecasts, corrected by what the finished cells took.

A forecast counts the operations of a cell, so it leaves out the start of its process, and it can be
wrong by a factor that is the same for cells of one kind. The factor of a kind of cell is

    (measured seconds + TRUST_SECONDS x the factor of the wider kind)
    / (forecast seconds + TRUST_SECONDS)

over its finished cells. The kinds are, from wide to narrow: all cells, those of one method, those
of one method and backbone. So a few short cells do not change the forecast of long ones much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from benchbench.contract import Cell, Record
from benchbench.planning.forecast import Forecast

START_SECONDS = 2.0
"""The seconds that a cell takes besides computing (measured with miniatures)."""
TRUST_SECONDS = 30.0
"""A forecast counts as much as this many seconds of finished cells."""


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
    factors = _factors(needs, taken)
    return {
        cell: mean(measured)
        if (measured := seeds.get(replace(cell, seed=0)))
        else _corrected(cell, need, factors)
        for cell, need in needs.items()
    }


def _corrected(
    cell: Cell, need: Forecast, factors: Mapping[tuple[str, ...], float]
) -> float | None:
    if need.seconds is None or need.basis == "measured":
        return need.seconds
    factor = next((factors[kind] for kind in reversed(_kinds(cell)) if kind in factors), 1.0)
    return START_SECONDS + factor * need.seconds


def _factors(
    needs: Mapping[Cell, Forecast], taken: Mapping[Cell, float]
) -> dict[tuple[str, ...], float]:
    """Return kind of cell -> measured time by forecast time, for the kinds that have finished."""
    sums: dict[tuple[str, ...], tuple[float, float]] = {}
    for cell, seconds in taken.items():
        need = needs.get(cell)
        if need is None or need.seconds is None or need.basis != "estimated":
            continue
        for kind in _kinds(cell):
            measured, forecast = sums.get(kind, (0.0, 0.0))
            computing = max(0.0, seconds - START_SECONDS)
            sums[kind] = measured + computing, forecast + need.seconds
    factors: dict[tuple[str, ...], float] = {}
    for kind, (measured, forecast) in sorted(sums.items(), key=lambda item: len(item[0])):
        wider = factors.get(kind[:-1], 1.0)
        factors[kind] = (measured + TRUST_SECONDS * wider) / (forecast + TRUST_SECONDS)
    return factors


def _kinds(cell: Cell) -> tuple[tuple[str, ...], ...]:
    """Return the kinds that a cell belongs to, from wide to narrow."""
    backbone = cell.backbone.name if cell.backbone else ""
    return (), (cell.method.name,), (cell.method.name, backbone)
