"""The sizes of a model, from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchbench.contract import Shape

GATED = ("modernbert", "eurobert", "nomic_bert")
"""Encoders whose MLPs have three matrices. Every causal LM is assumed to have three."""


def shape_of(config: Mapping[str, Any], kind: str) -> Shape | None:
    """Return the shape that a configuration describes, None where it lacks a size."""
    text = config.get("text_config", config)
    try:
        heads = int(text["num_attention_heads"])
        width = int(text["hidden_size"])
        return Shape(
            layers=int(text["num_hidden_layers"]),
            width=width,
            inner=int(text["intermediate_size"]),
            heads=heads,
            key_heads=int(text.get("num_key_value_heads") or heads),
            head_width=int(text.get("head_dim") or width // heads),
            vocabulary=int(text["vocab_size"]),
            tied=bool(text.get("tie_word_embeddings", kind == "encoder")),
            gated=kind == "causal-lm" or text.get("model_type") in GATED,
            output_head=kind == "causal-lm",
        )
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        return None
