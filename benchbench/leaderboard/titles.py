"""What metrics are called in tables."""

from __future__ import annotations

import re

TITLES = {
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "weighted_f1": "weighted-F1",
    "samples_f1": "samples-F1",
    "accuracy": "accuracy",
    "exact_match": "exact match",
    "mcc": "MCC",
    "head_macro_f1": "macro-F1, head",
    "mid_macro_f1": "macro-F1, mid",
    "tail_macro_f1": "macro-F1, tail",
    "top_prediction": "top prediction",
    "three_guesses": "three guesses",
    "all_categories": "all categories",
    "hierarchical_precision": "hP",
    "hierarchical_recall": "hR",
    "hierarchical_f1": "hF",
    "micro_f1_fixed": "micro-F1 at 0.5",
    "macro_f1_fixed": "macro-F1 at 0.5",
    "micro_f1_per_label": "micro-F1, threshold a label",
    "macro_f1_per_label": "macro-F1, threshold a label",
    "ece": "ECE",
    "ece_mass": "ECE, equal mass",
    "ece_per_label": "ECE, mean of labels",
    "brier": "Brier",
    "nll": "NLL",
    "ece_scaled": "ECE, scaled",
    "ece_mass_scaled": "ECE, equal mass, scaled",
    "brier_scaled": "Brier, scaled",
    "nll_scaled": "NLL, scaled",
    "temperature": "temperature",
    "threshold": "threshold",
}
AT = re.compile(r"(?P<what>precision|recall)_at_(?P<k>[0-9]+)")
LEVEL = re.compile(r"level_(?P<level>[0-9]+)_f1")


def title_of(metric: str) -> str:
    """Return what a metric is called in a table; one of a plugin by its own name."""
    if found := AT.fullmatch(metric):
        return f"{found['what'][0].upper()}@{found['k']}"
    if found := LEVEL.fullmatch(metric):
        return f"F1, level {found['level']}"
    return TITLES.get(metric, metric)
