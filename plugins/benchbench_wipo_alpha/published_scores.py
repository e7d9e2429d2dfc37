"""Scores published on WIPO-Alpha: accuracy of the first prediction, for main subclasses."""

from __future__ import annotations

from benchbench import Baseline, Params

SAME_TASK: Params = {
    "level": "subclass",
    "labels": "main",
    "language": "EN",
    "language_fallback": "any",
    "label_rule": "main-in-training",
    "minimum_count": 0,
    "limit": 0,
}
"""The dataset parameters that make scores comparable with these; the others have their defaults.

All scores are from the whole collection, which no parameter can express; the notes say so.
"""
FREE = ("path", "view", "unseen_labels", "xml_fallback_encoding", "processes")
"""The parameters that may differ: the texts too, since every publication chose its own."""


def _baseline(name: str, value: float, citation: str, called: str) -> Baseline:
    note = f"{called}, on the whole collection of 451 subclasses"
    return Baseline(name, "wipo-alpha", SAME_TASK, "accuracy", value, citation, note, FREE)


BASELINES = (
    _baseline("linear SVM", 0.41, "Fall et al. (2003)", "top prediction"),
    _baseline("GRU with patent embeddings", 0.49, "Risch and Krestel (2019)", "top prediction"),
    _baseline(
        "GRU with label-hierarchy transfer",
        0.5376,
        "Aroyehun et al. (2021), doi:10.1016/j.neucom.2021.07.057",
        "P@1",
    ),
    _baseline("optimised CNN", 0.5502, "Abdelgawad et al. (2019)", "accuracy"),
)
