"""The charts of the HTML report, as data: shapes at their places and a description in words."""

__all__ = [
    "axes",
    "heat_map",
    "interval_bar",
    "learning_curve",
    "picture",
    "reliability",
    "scatter",
    "share_curve",
]
