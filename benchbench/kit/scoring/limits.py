"""How long a row of tokens a model may be given."""

from __future__ import annotations

import sys
from typing import Any

from benchbench.contract import GuardError


def context_length(model: Any) -> int:
    """Return the number of tokens that the model's positions are made for, if they have an end."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else sys.maxsize


def tree_limit(model: Any) -> int:
    """Return the longest row under a mask of our own: the context, or a shorter sliding window.

    Such a mask overrules the window, so that a longer row would see too far.
    """
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if getattr(config, "use_sliding_window", True) is False or window is None:
        return context_length(model)
    return min(context_length(model), int(window))


def check_row(length: int, limit: int) -> None:
    """Raise GuardError where a row is longer than what the model sees."""
    if length > limit:
        raise GuardError(
            f"a row of {length} tokens was to be scored, and the model sees {limit}: "
            "shorten the document"
        )
