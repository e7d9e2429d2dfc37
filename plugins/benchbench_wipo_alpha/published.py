"""Scores that were published on WIPO-Alpha: subclass level, main code, first guess."""

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
"""What has to hold of a dataset for its scores to stand beside these.

The texts shown (`view`) are left to whoever compares: each of these chose its own. All were
measured on the whole collection, which the parameters cannot say: the notes do.
"""


def _baseline(name: str, value: float, citation: str, called: str) -> Baseline:
    note = f"{called}, on the whole collection of 451 subclasses"
    return Baseline(name, "wipo-alpha", SAME_TASK, "accuracy", value, citation, note)


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
