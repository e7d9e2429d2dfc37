"""The parameters of the dataset `wipo-alpha`, as declared and as its code reads them."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench import Parameter
from benchbench_wipo_alpha.codes import WIDTHS

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("path", str, None, "folder with train and test, or a .zip, .tar, .tar.gz of it"),
    Parameter(
        "level",
        str,
        "subclass",
        "level of the classification to which codes are cut",
        choices=tuple(WIDTHS),
    ),
    Parameter(
        "labels",
        str,
        "main+secondary",
        "codes of a document that are its labels; main alone makes it single-label",
        choices=("main", "main+secondary"),
    ),
    Parameter(
        "view",
        str,
        "title,abstract",
        "texts of a document in order, each with an optional number of words, as in "
        "title,claims:200 (title, abstract, claims, description, applicants, inventors), or "
        "classic-300",
    ),
    Parameter("language", str, "EN", "language of texts, as xml:lang names it"),
    Parameter(
        "language_fallback",
        str,
        "any",
        "for a text that is not in that language: take another language (counted), or none",
        choices=("any", "none"),
    ),
    Parameter(
        "label_rule",
        str,
        "main-in-training",
        "codes that are labels: main codes of training documents, or all codes in training",
        choices=("main-in-training", "all"),
    ),
    Parameter(
        "minimum_count",
        int,
        0,
        "training documents that a label needs; documents without such a label are left out",
        minimum=0,
    ),
    Parameter(
        "validation_fraction",
        float,
        0.1,
        "share of train that is split off for validation",
        minimum=0.001,
        maximum=0.9,
    ),
    Parameter(
        "unseen_labels",
        str,
        "keep",
        "labels that training lacks: keep them as always missed, or refuse them",
        choices=("error", "keep"),
    ),
    Parameter(
        "on_bad_document",
        str,
        "error",
        "stop at a bad document, or skip it",
        choices=("error", "skip"),
    ),
    Parameter("max_skipped", float, 0.01, "largest share of bad documents", minimum=0, maximum=1),
    Parameter(
        "xml_fallback_encoding",
        str,
        "",
        "encoding of files that claim UTF-8 and are not, e.g. iso-8859-1; empty: they are bad",
    ),
    Parameter(
        "processes",
        int,
        "auto",
        "processes that read files; they do not change the result",
        words=("auto",),
        minimum=1,
        maximum=64,
    ),
)


@dataclass(frozen=True, slots=True)
class WipoAlphaOptions:
    """The parameters of one dataset `wipo-alpha`, with a value for each."""

    path: str
    level: str
    labels: str
    view: str
    language: str
    language_fallback: str
    label_rule: str
    minimum_count: int
    validation_fraction: float
    unseen_labels: str
    on_bad_document: str
    max_skipped: float
    xml_fallback_encoding: str
    processes: int | str
    split_seed: int

    @property
    def single_label(self) -> bool:
        """Whether main codes are the only labels."""
        return self.labels == "main"

    @property
    def skips_bad_documents(self) -> bool:
        """Whether bad documents are skipped and counted."""
        return self.on_bad_document == "skip"
