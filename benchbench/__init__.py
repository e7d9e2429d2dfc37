"""Find out, on your own data, which way of turning a language model into a classifier is best."""

from benchbench.errors import BenchbenchError, Diverged, GuardError, LoaderError, Skip
from benchbench.hookspecs import API_VERSION, hookimpl
from benchbench.parameters import Parameter, Params, Value
from benchbench.types import (
    Backbone,
    Baseline,
    BoundBackbone,
    Cell,
    Classifier,
    Corpus,
    Dataset,
    Event,
    Executor,
    Job,
    Kind,
    LabelSpace,
    LoadedModel,
    LoadReport,
    Method,
    Outcome,
    Record,
    Reference,
    Task,
)

__version__ = "0.1.0"

__all__ = [
    "API_VERSION",
    "Backbone",
    "Baseline",
    "BenchbenchError",
    "BoundBackbone",
    "Cell",
    "Classifier",
    "Corpus",
    "Dataset",
    "Diverged",
    "Event",
    "Executor",
    "GuardError",
    "Job",
    "Kind",
    "LabelSpace",
    "LoadReport",
    "LoadedModel",
    "LoaderError",
    "Method",
    "Outcome",
    "Parameter",
    "Params",
    "Record",
    "Reference",
    "Skip",
    "Task",
    "Value",
    "hookimpl",
]
