"""How many tokens a row may have."""

from __future__ import annotations

import sys
from typing import Any

from benchbench.contract import GuardError


def context_length(model: Any) -> int:
    """Return how many tokens the model can read; sys.maxsize where its positions have no end."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else sys.maxsize


def tree_limit(model: Any) -> int:
    """Return the longest row under a tree mask: the context, or a shorter sliding window.

    A tree mask replaces the window, so a token of a longer row would see too far.
    """
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if getattr(config, "use_sliding_window", True) is False or window is None:
        return context_length(model)
    return min(context_length(model), int(window))


def check_row(length: int, limit: int) -> None:
    """Raise GuardError where a row is longer than what the model sees.

    >>> check_row(length=250, limit=256)
    """
    if length > limit:
        raise GuardError(
            f"a row of {length} tokens is too long: the model sees {limit}; shorten the document"
        )
