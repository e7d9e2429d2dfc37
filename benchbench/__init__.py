"""Find out, on your own data, which way of turning a language model into a classifier is best."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; importing `typing` takes longer than all else
if TYPE_CHECKING:
    from typing import Any

    from benchbench.contract import (
        API_VERSION,
        SPLITS,
        AdditiveMetric,
        Address,
        Amount,
        Backbone,
        BackboneFolder,
        Baseline,
        BenchbenchError,
        BoundBackbone,
        Cell,
        Classifier,
        Configurable,
        Corpus,
        Dataset,
        Diverged,
        Event,
        Executor,
        Exportable,
        Exported,
        ExportTarget,
        Generator,
        GuardError,
        HasAddress,
        HasLicence,
        HasRequirements,
        HasShape,
        HasTokenizer,
        HasWorkload,
        Job,
        Kind,
        LabelFacts,
        LabelSpace,
        LoadedModel,
        LoaderError,
        LoadReport,
        MayBeRemote,
        Method,
        Metric,
        Outcome,
        Parameter,
        Params,
        Record,
        Reference,
        ScoredSplit,
        Shape,
        Skip,
        Split,
        Task,
        TrainingFacts,
        Value,
        Workload,
        did_you_mean,
        document_tokens,
        hookimpl,
        longest_document,
    )
    from benchbench.inference import load

__version__ = "0.2.0"

__all__ = [
    "API_VERSION",
    "SPLITS",
    "AdditiveMetric",
    "Address",
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
    "ExportTarget",
    "Exportable",
    "Exported",
    "Generator",
    "GuardError",
    "HasAddress",
    "HasLicence",
    "HasRequirements",
    "HasShape",
    "HasTokenizer",
    "HasWorkload",
    "Job",
    "Kind",
    "LabelFacts",
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
    "Record",
    "Reference",
    "ScoredSplit",
    "Shape",
    "Skip",
    "Split",
    "Task",
    "TrainingFacts",
    "Value",
    "Workload",
    "did_you_mean",
    "document_tokens",
    "hookimpl",
    "load",
    "longest_document",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: the command must start before anything else."""
    if name not in __all__:
        raise AttributeError(f"module 'benchbench' has no attribute {name!r}")
    if name == "load":
        from benchbench.inference import load

        return load
    from benchbench import contract

    return getattr(contract, name)
