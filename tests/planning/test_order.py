"""The cheapest cells run first, and equal ones in the order of the grid."""

from __future__ import annotations

from benchbench.planning.forecast import Forecast
from benchbench.planning.order import cheapest_first
from benchbench.planning.plan import PlannedCell
from benchbench.records.identity import cell_id
from tests.support.building import cell


def planned(method, backbone="llama", seed=0):
    of = cell(method=method, backbone=backbone, seed=seed)
    return PlannedCell(of, cell_id(of), None, None, "missing")


def test_cells_run_by_their_time_and_equal_ones_in_the_order_of_the_grid():
    hour = [planned("head", seed=seed) for seed in (0, 1)]
    minute, measured = planned("zero-shot"), planned("svm", None)
    needs = {
        hour[0].id: Forecast("estimated", seconds=3600.0),
        hour[1].id: Forecast("estimated", seconds=3600.0),
        minute.id: Forecast("estimated", seconds=60.0),
        measured.id: Forecast("measured", seconds=90.0),
    }
    assert cheapest_first([*hour, measured, minute], needs) == [minute, measured, *hour]


def test_of_cells_of_unknown_time_those_without_a_backbone_come_first_and_others_last():
    model, majority, known = planned("new"), planned("majority", None), planned("head")
    needs = {known.id: Forecast("estimated", seconds=1e5), model.id: Forecast("unknown")}
    assert cheapest_first([model, known, majority], needs) == [majority, known, model]
