"""The patent collection WIPO-Alpha as a dataset, with the scores published on it."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import API_VERSION, Baseline, Dataset, hookimpl
from benchbench_wipo_alpha.published_scores import BASELINES
from benchbench_wipo_alpha.wipo_dataset import WipoAlpha

BENCHBENCH_API_VERSION = API_VERSION


@hookimpl
def benchbench_datasets() -> Iterable[Dataset]:
    """Supply the dataset `wipo-alpha`."""
    return [WipoAlpha()]


@hookimpl
def benchbench_baselines() -> Iterable[Baseline]:
    """Supply the scores that were published on it."""
    return BASELINES
