"""Find out, on your own data, which way of turning a language model into a classifier is best."""

from benchbench.errors import BenchbenchError, Diverged, GuardError, LoaderError, Skip
from benchbench.hookspecs import API_VERSION, hookimpl
from benchbench.parameters import Parameter, Params, Value, did_you_mean
from benchbench.protocols import Backbone, Classifier, Dataset, Executor, Generator, Method
from benchbench.types import (
    SPLITS,
    BackboneFolder,
    Baseline,
    BoundBackbone,
    Cell,
    Corpus,
    Event,
    Job,
    Kind,
    LabelSpace,
    LoadedModel,
    LoadReport,
    Metric,
    Outcome,
    Record,
    Reference,
    Split,
    Task,
)
from benchbench.workload import Amount, Shape, Workload, document_tokens

__version__ = "0.1.0"

__all__ = [
    "API_VERSION",
    "SPLITS",
    "Amount",
    "Backbone",
    "BackboneFolder",
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
    "Generator",
    "GuardError",
    "Job",
    "Kind",
    "LabelSpace",
    "LoadReport",
    "LoadedModel",
    "LoaderError",
    "Method",
    "Metric",
    "Outcome",
    "Parameter",
    "Params",
    "Record",
    "Reference",
    "Shape",
    "Skip",
    "Split",
    "Task",
    "Value",
    "Workload",
    "did_you_mean",
    "document_tokens",
    "hookimpl",
]
