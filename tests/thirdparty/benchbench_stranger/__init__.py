"""A plugin package as a stranger would write it: a dataset, a backbone and a method."""

from benchbench import API_VERSION, hookimpl
from benchbench_stranger.backbone import TinyRandomLlama
from benchbench_stranger.dataset import Weather
from benchbench_stranger.method import NearestCentre

BENCHBENCH_API_VERSION = API_VERSION


@hookimpl
def benchbench_datasets():
    return [Weather()]


@hookimpl
def benchbench_backbones():
    return [TinyRandomLlama()]


@hookimpl
def benchbench_methods():
    return [NearestCentre()]
