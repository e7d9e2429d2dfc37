"""What hidden states say of the next token: log-probabilities of a few tokens, exactly."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

LOGITS_AT_ONCE = 32 * 2**20
"""The most numbers that the output head writes before they are reduced (128 MiB in float32)."""
CACHED_LOGITS = 3 * 2**19
"""Numbers that stay in a processor's own cache between being written and being reduced."""
FEWEST_STATES = 256
"""So many states at once at least, for the head's weights are read anew each time."""


def token_log_probabilities(model: Any, states: Tensor, places: Tensor, tokens: Tensor) -> Tensor:
    """Return float32 [edges]: log p(tokens[i]) under the distribution at states[places[i]].

    `states` are final hidden states [n, width], without gaps: `places` ascend, so that a chunk
    of states meets one stretch of edges. Gradients flow.
    """
    import torch

    chunk = states_at_once(model)
    starts = torch.arange(0, len(states) + chunk, chunk, device=places.device)
    bounds = torch.searchsorted(places, starts).tolist()
    pieces = []
    for number, (first, last) in enumerate(itertools.pairwise(bounds)):
        start = number * chunk
        logits = vocabulary_logits(model, states[start : start + chunk]).float()
        normaliser = logits.logsumexp(-1)
        at = places[first:last] - start
        pieces.append(logits[at, tokens[first:last]] - normaliser[at])
    return torch.cat(pieces)


def states_at_once(model: Any) -> int:
    """Return for how many states the whole vocabulary is scored at a time."""
    vocabulary = int(model.config.get_text_config().vocab_size)
    return max(
        1, min(LOGITS_AT_ONCE // vocabulary, max(FEWEST_STATES, CACHED_LOGITS // vocabulary))
    )


def vocabulary_logits(model: Any, states: Tensor) -> Tensor:
    """Apply the output head, and the scaling or capping that some families put behind it.

    A family that does something else here is found out where tree and plain scores are compared.
    """
    import torch

    config = model.config.get_text_config()
    head = model.get_output_embeddings()
    logits: Tensor = head(states)
    if cap := getattr(config, "final_logit_softcapping", None):  # Gemma
        logits = torch.tanh(logits / cap) * cap
    if divisor := getattr(config, "logits_scaling", None):  # Granite
        logits = logits / divisor
    if factor := getattr(config, "logit_scale", None):  # Cohere
        logits = logits * factor
    return logits
