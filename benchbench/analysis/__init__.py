"""What stands out in a dataset, and what a system gets wrong of it."""

from benchbench.analysis.data_check import check_data
from benchbench.analysis.findings import DataCheck, NamedDocument
from benchbench.analysis.judged_split import JudgedSplit, judge, judged_systems, systems_of
from benchbench.analysis.label_errors import LabelErrors, PairErrors, label_errors, pair_errors
from benchbench.analysis.mistakes import holds_texts, with_mistakes
from benchbench.analysis.suspects import Suspect, SuspectLabels, suspect_labels
from benchbench.analysis.wrong_documents import WrongDocument, disagreements, wrong_documents

__all__ = [
    "DataCheck",
    "JudgedSplit",
    "LabelErrors",
    "NamedDocument",
    "PairErrors",
    "Suspect",
    "SuspectLabels",
    "WrongDocument",
    "check_data",
    "disagreements",
    "holds_texts",
    "judge",
    "judged_systems",
    "label_errors",
    "pair_errors",
    "suspect_labels",
    "systems_of",
    "with_mistakes",
    "wrong_documents",
]
