"""What a run would do and need, worked out before anything runs."""

from benchbench.planning.forecast import Forecast, forecasts, main_memory
from benchbench.planning.plan import PlanContext, PlannedCell, plan_cells
from benchbench.planning.preparation import CACHE, PreparedCorpus, cache_folder, prepare

__all__ = [
    "CACHE",
    "Forecast",
    "PlanContext",
    "PlannedCell",
    "PreparedCorpus",
    "cache_folder",
    "forecasts",
    "main_memory",
    "plan_cells",
    "prepare",
]
