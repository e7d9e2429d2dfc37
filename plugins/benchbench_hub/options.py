"""The parameters of the datasets of the hub, as they are declared and as their code reads them."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench import Parameter
from benchbench.kit.data import BAD_ROW_PARAMETERS, SPLIT_PARAMETERS

AUTO = "auto"
CUT = "cut"

SHARED: tuple[Parameter, ...] = (
    Parameter(
        "validation",
        str,
        AUTO,
        "the validation split by name (or file, where path is a file); auto: as published; cut: "
        "split off from training",
    ),
    Parameter(
        "test",
        str,
        AUTO,
        "the test split by name (or file, where path is a file); auto: as published; cut: split "
        "off from training",
    ),
    *SPLIT_PARAMETERS,
    *BAD_ROW_PARAMETERS,
)
OF_A_CARD: tuple[Parameter, ...] = (
    Parameter("path", str, "", "folder or file with the same data; empty: from the hub"),
    *SHARED,
)
OF_ANY_SET: tuple[Parameter, ...] = (
    Parameter("path", str, None, "hub id ORG/NAME of a dataset, or a folder or file"),
    Parameter("config", str, "", "configuration of the dataset; empty: its default"),
    Parameter("train", str, "train", "the training split by name"),
    Parameter(
        "text",
        str,
        "",
        "text column; several columns, separated by commas, are joined by newlines; empty: text",
    ),
    Parameter(
        "label", str, "", "label column; empty: label_text, or else label or labels if just one is"
    ),
    Parameter("label_separator", str, "", "separates labels in a cell; makes it multi-label"),
    Parameter(
        "kind",
        str,
        AUTO,
        "kind of data; auto: multi-label where a label cell is a list",
        choices=(AUTO, "single-label", "multi-label"),
    ),
    *SHARED,
)


def revision(default: str) -> Parameter:
    """Return the parameter that names a state of a repository."""
    return Parameter("revision", str, default, "branch, tag or commit of the repository on the hub")


@dataclass(frozen=True, slots=True)
class HubOptions:
    """The parameters of one dataset; those that a named set does not take have a default."""

    path: str
    validation: str
    test: str
    revision: str
    validation_fraction: float
    test_fraction: float
    on_bad_row: str
    max_skipped: float
    unseen_labels: str
    split_seed: int
    config: str = ""
    train: str = "train"
    text: str = ""
    label: str = ""
    label_separator: str = ""
    kind: str = AUTO
