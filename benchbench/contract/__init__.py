"""What a plugin sees: types, protocols, hooks and errors."""

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
from benchbench.contract.cell_titles import differing_params, titles_of
from benchbench.contract.corpus import (
    SPLITS,
    Corpus,
    CorpusDescription,
    Kind,
    LabelFacts,
    LabelSpace,
    LoadReport,
    Split,
)
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
from benchbench.contract.local_path import (
    LocalPath,
    all_as_given,
    all_as_published,
    as_given,
    paths_in,
)
from benchbench.contract.method import (
    Classifier,
    HasRequirements,
    HasWorkload,
    Method,
    Task,
)
from benchbench.contract.metric import AdditiveMetric, Metric, MetricFunction, ratio
from benchbench.contract.parameters import Json, Parameter, Params, Value, did_you_mean, resolve
from benchbench.contract.predictions import Predictions
from benchbench.contract.record import CellParameters, Identity, Record, Status
from benchbench.contract.rules import (
    LARGEST_FLOAT,
    LARGEST_INTEGER,
    LONGEST_TEXT,
    Count,
    Positive,
    Rule,
    Sha256,
    is_storable,
)
from benchbench.contract.scored import ScoredSplit, Tuning, decide
from benchbench.contract.training_facts import TrainingFacts
from benchbench.contract.workload import (
    Amount,
    Shape,
    Workload,
    document_tokens,
    longest_document,
)

__all__ = [
    "API_VERSION",
    "LARGEST_FLOAT",
    "LARGEST_INTEGER",
    "LONGEST_TEXT",
    "SPLITS",
    "AdditiveMetric",
    "Amount",
    "Backbone",
    "BackboneFolder",
    "Baseline",
    "BenchbenchError",
    "BoundBackbone",
    "Cell",
    "CellParameters",
    "Classifier",
    "Configurable",
    "Corpus",
    "CorpusDescription",
    "Count",
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
    "Identity",
    "Job",
    "Json",
    "Kind",
    "LabelFacts",
    "LabelSpace",
    "LoadReport",
    "LoadedModel",
    "LoaderError",
    "LocalPath",
    "MayBeRemote",
    "Method",
    "Metric",
    "MetricFunction",
    "Outcome",
    "Parameter",
    "Params",
    "PluginError",
    "Positive",
    "Predictions",
    "Record",
    "Reference",
    "Rule",
    "ScoredSplit",
    "Sha256",
    "Shape",
    "Skip",
    "Split",
    "Status",
    "StoreError",
    "Task",
    "TrainingFacts",
    "Tuning",
    "UnknownName",
    "Value",
    "Workload",
    "all_as_given",
    "all_as_published",
    "as_given",
    "decide",
    "did_you_mean",
    "differing_params",
    "document_tokens",
    "hookimpl",
    "hookspec",
    "hookspecs",
    "is_storable",
    "longest_document",
    "paths_in",
    "ratio",
    "resolve",
    "titles_of",
]
