"""What a run would do and need, worked out before anything runs."""

from benchbench.planning.caches import CACHE, cache_folder, corpora_folder, open_cache
from benchbench.planning.estimate import GPU_LAYER_SECONDS
from benchbench.planning.forecast import Forecast, forecasts, gpu_memory, main_memory
from benchbench.planning.gpu_cards import ASSUMED_SHARE, GpuCard, card_of
from benchbench.planning.memory_need import RESERVED_MIB
from benchbench.planning.order import cheapest_first
from benchbench.planning.pace import RunningCell, cell_left, stage_left, with_event
from benchbench.planning.plan import PlanContext, PlannedCell, plan_cells
from benchbench.planning.preparation import PreparedCorpus, prepare
from benchbench.planning.run_forecast import forecasts_of_run
from benchbench.planning.time_left import TimeLeft, expected_seconds, time_left, together

__all__ = [
    "ASSUMED_SHARE",
    "CACHE",
    "GPU_LAYER_SECONDS",
    "RESERVED_MIB",
    "Forecast",
    "GpuCard",
    "PlanContext",
    "PlannedCell",
    "PreparedCorpus",
    "RunningCell",
    "TimeLeft",
    "cache_folder",
    "card_of",
    "cell_left",
    "cheapest_first",
    "corpora_folder",
    "expected_seconds",
    "forecasts",
    "forecasts_of_run",
    "gpu_memory",
    "main_memory",
    "open_cache",
    "plan_cells",
    "prepare",
    "stage_left",
    "time_left",
    "together",
    "with_event",
]
