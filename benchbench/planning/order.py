"""The order in which the cells of a grid run: those that cost least come first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchbench.planning.forecast import Forecast
from benchbench.planning.plan import PlannedCell


def cheapest_first(
    cells: Iterable[PlannedCell], needs: Mapping[str, Forecast]
) -> list[PlannedCell]:
    """Return the cells by their time, so that the first results come soon.

    `needs` maps the id of a cell to its forecast. First come cells of unknown time without a
    backbone, which are cheap, then cells by their time, then the others of unknown time. Equal
    cells keep their order. `run` runs the cells that others require before these.
    """

    def cost(planned: PlannedCell) -> tuple[int, float]:
        need = needs.get(planned.id)
        if need is not None and need.seconds is not None:
            return 1, need.seconds
        return (0, 0.0) if planned.cell.backbone is None else (2, 0.0)

    return sorted(cells, key=cost)
