"""What a system gets wrong: its documents, its labels, and labels that may be wrong themselves."""

from benchbench.analysis.judged_split import JudgedSplit, judge, systems_of
from benchbench.analysis.label_errors import LabelErrors, PairErrors, label_errors, pair_errors
from benchbench.analysis.suspects import Suspect, SuspectLabels, suspect_labels
from benchbench.analysis.texts import texts_at_hand
from benchbench.analysis.wrong_documents import WrongDocument, disagreements, wrong_documents

__all__ = [
    "JudgedSplit",
    "LabelErrors",
    "PairErrors",
    "Suspect",
    "SuspectLabels",
    "WrongDocument",
    "disagreements",
    "judge",
    "label_errors",
    "pair_errors",
    "suspect_labels",
    "systems_of",
    "texts_at_hand",
    "wrong_documents",
]
