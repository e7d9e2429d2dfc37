"""What a plugin sees: the nouns, the hooks, and the errors that name a way out."""

from benchbench.contract import hookspecs
from benchbench.contract.backbone import (
    Backbone,
    BackboneFolder,
    BoundBackbone,
    HasLicence,
    HasShape,
    LoadedModel,
)
from benchbench.contract.baseline import Baseline
from benchbench.contract.cell import Cell, Reference
from benchbench.contract.corpus import SPLITS, Corpus, Kind, LabelSpace, LoadReport, Split
from benchbench.contract.dataset import Dataset, Generator
from benchbench.contract.errors import (
    BenchbenchError,
    Diverged,
    GridError,
    GuardError,
    HeadFrozen,
    LoaderError,
    PluginError,
    Skip,
    StoreError,
    UnknownName,
)
from benchbench.contract.executor import (
    Configurable,
    Event,
    Executor,
    Job,
    MayBeRemote,
    Outcome,
)
from benchbench.contract.hookspecs import API_VERSION, hookimpl, hookspec
from benchbench.contract.method import (
    Classifier,
    HasRequirements,
    HasWorkload,
    Method,
    Task,
)
from benchbench.contract.metric import Metric
from benchbench.contract.parameters import Json, Parameter, Params, Value, did_you_mean, resolve
from benchbench.contract.predictions import Predictions
from benchbench.contract.record import Record, Status
from benchbench.contract.workload import Amount, Shape, Workload, document_tokens

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
    "Configurable",
    "Corpus",
    "Dataset",
    "Diverged",
    "Event",
    "Executor",
    "Generator",
    "GridError",
    "GuardError",
    "HasLicence",
    "HasRequirements",
    "HasShape",
    "HasWorkload",
    "HeadFrozen",
    "Job",
    "Json",
    "Kind",
    "LabelSpace",
    "LoadReport",
    "LoadedModel",
    "LoaderError",
    "MayBeRemote",
    "Method",
    "Metric",
    "Outcome",
    "Parameter",
    "Params",
    "PluginError",
    "Predictions",
    "Record",
    "Reference",
    "Shape",
    "Skip",
    "Split",
    "Status",
    "StoreError",
    "Task",
    "UnknownName",
    "Value",
    "Workload",
    "did_you_mean",
    "document_tokens",
    "hookimpl",
    "hookspec",
    "hookspecs",
    "resolve",
]
