"""The forecasts of a run: they cost little beside the run, and no fault in them stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache

from benchbench.contract import Cell, Reference
from benchbench.machine import one_line
from benchbench.planning.forecast import Forecast, Rates, forecasts
from benchbench.planning.matrix_speed import matrix_rates_of_child, typical_rates
from benchbench.planning.plan import PlanContext, PlannedCell
from benchbench.planning.preparation import PreparedCorpus

WORTH_SECONDS = 120.0
"""Cells that are estimated to take less than this together are not worth the measuring."""


def forecasts_of_run(
    cells: Iterable[PlannedCell],
    corpora: Mapping[Reference, PreparedCorpus],
    context: PlanContext,
    threads: int,
    *,
    measure: bool,
    warn: Callable[[str], object],
) -> dict[str, Forecast]:
    """Return cell id -> what the cell will need; unknown where the estimate raised an exception.

    The speed of this machine is measured only for cells that take long, and with `measure`.
    `warn` gets a line for every system whose estimate raised one.
    """
    cells = list(cells)

    def with_rates(rates: Rates, tell: Callable[[str], object]) -> dict[str, Forecast]:
        needs: dict[str, Forecast] = {}
        for system in _systems(cells):
            try:
                needs.update(forecasts(system, corpora, context, threads, rates))
            except Exception as error:  # an estimate must not stop a run
                name = system[0].cell.title.rpartition(" · seed")[0]
                tell(f"The time of {name} is unknown: its estimate raised {one_line(error)}")
                needs.update((cell.id, Forecast("unknown")) for cell in system)
        return needs

    def typical(dtype: str) -> Mapping[int, float]:
        return typical_rates(context.device, threads)

    @cache
    def measured(dtype: str) -> Mapping[int, float]:
        device = replace(context.device, dtype=dtype)
        try:
            return matrix_rates_of_child(device, threads) or typical(dtype)
        except Exception as error:
            warn(f"The speed of this machine could not be measured: {one_line(error)}")
            return typical(dtype)

    needs = with_rates(typical, warn)
    estimated = sum(need.seconds or 0.0 for need in needs.values() if need.basis == "estimated")
    if not measure or estimated < WORTH_SECONDS:
        return needs
    return with_rates(measured, lambda line: None)


def _systems(cells: Iterable[PlannedCell]) -> list[list[PlannedCell]]:
    """Put the cells together that differ in their seed alone: one forecast serves them all."""
    systems: dict[Cell, list[PlannedCell]] = {}
    for planned in cells:
        systems.setdefault(replace(planned.cell, seed=0), []).append(planned)
    return list(systems.values())
