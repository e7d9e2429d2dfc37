"""The HTML report: what it shows of every dataset, its template, its style and its script."""

__all__ = ["chapters", "pairs"]
