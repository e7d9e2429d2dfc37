"""Parameters that datasets made of rows have in common, so that they mean the same everywhere."""

from __future__ import annotations

from benchbench.contract import Parameter

SPLIT_PARAMETERS = (
    Parameter(
        "validation_fraction",
        float,
        0.1,
        "share of rows split off for validation",
        minimum=0.001,
        maximum=0.9,
    ),
    Parameter(
        "test_fraction",
        float,
        0.2,
        "share of rows split off for test",
        minimum=0.001,
        maximum=0.9,
    ),
)
"""How much is split off from training where a split is not given."""
BAD_ROW_PARAMETERS = (
    Parameter(
        "on_bad_row", str, "error", "stop at a bad row, or skip it", choices=("error", "skip")
    ),
    Parameter("max_skipped", float, 0.01, "largest share of bad rows", minimum=0, maximum=1),
)
"""What becomes of rows that cannot be used."""


def unseen_labels(default: str = "error") -> Parameter:
    """Return the parameter that decides about labels that only validation or test has."""
    return Parameter(
        "unseen_labels",
        str,
        default,
        "labels that training lacks: refuse them, or keep them as always missed",
        choices=("error", "keep"),
    )
