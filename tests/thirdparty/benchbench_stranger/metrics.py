"""Metrics: one with an interval and tests, one that has a value alone, one that is broken."""

from benchbench import AdditiveMetric, Metric


def share_of_rain(scored):
    """Return the share of documents that get the first label."""
    return AdditiveMetric.mean(scored.decided()[:, 0])


def labels(scored):
    """Return how many labels can be predicted."""
    return float(len(scored.labels.space))


def broken(scored):
    raise RuntimeError("no such thing")


METRICS = [
    Metric("share_of_rain", "share of rain", "plugins", ("single-label",), share_of_rain),
    Metric("labels", "labels", "weather", ("single-label",), labels),
    Metric("broken", "broken", "plugins", ("single-label",), broken),
    Metric("for_others", "for others", "plugins", ("multi-label",), broken),
]
