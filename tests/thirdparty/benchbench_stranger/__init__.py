"""A plugin package as a stranger would write it: one of everything that a plugin can supply."""

from pathlib import Path

from benchbench import Baseline, Reference, hookimpl
from benchbench_stranger.backbone import TinyRandomLlama
from benchbench_stranger.dataset import Weather, WeatherWarnings
from benchbench_stranger.executor import InThisProcess
from benchbench_stranger.method import NearestCentre
from benchbench_stranger.metrics import METRICS
from benchbench_stranger.watcher import note

BENCHBENCH_API_VERSION = 2  # the plugin API that this package was written for


@hookimpl
def benchbench_datasets():
    return [Weather(), WeatherWarnings()]


@hookimpl
def benchbench_backbones():
    return [TinyRandomLlama()]


@hookimpl
def benchbench_methods():
    return [NearestCentre()]


@hookimpl
def benchbench_metrics():
    return METRICS


@hookimpl
def benchbench_executors():
    return [InThisProcess()]


@hookimpl
def benchbench_grids():
    return {"weather": Path(__file__).parent / "weather.toml"}


@hookimpl
def benchbench_baselines():
    citation = "Nobody, A forecast that was never made"
    return [
        Baseline("Oracle", "weather", {"documents": 40}, "macro_f1", 0.875, citation),
        Baseline("Elsewhere", "weather", {"documents": 41}, "macro_f1", 0.125, citation),
    ]


@hookimpl
def benchbench_resolve_dataset(reference):
    if reference.startswith("weather:"):
        return Reference("weather", reference, {"documents": int(reference[8:])})
    return None


@hookimpl
def benchbench_cell_finished(record):
    note(record)
