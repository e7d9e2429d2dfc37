"""From hidden states to the exact log-probabilities of a few tokens."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import to_device
from benchbench.kit.scoring.float32_head import head_in_float32

if TYPE_CHECKING:
    from torch import Tensor

LOGITS_AT_ONCE = 32 * 2**20
"""The most logits that the output head writes at once (128 MiB in float32)."""
CACHED_LOGITS = 3 * 2**19
"""So many logits stay in a processor's cache between being written and being reduced."""
FEWEST_STATES = 256
"""The fewest states per pass of the output head, which reads all its weights in each pass."""


def token_log_probabilities(model: Any, states: Tensor, places: Tensor, tokens: Tensor) -> Tensor:
    """Return float32 [edges]: log p(tokens[i]) under the distribution at states[places[i]].

    `states` are final hidden states [n, width]. `places` ascend, so that a chunk of states
    belongs to one run of edges. Where they are on the CPU, no GPU is waited for. Gradients flow.

        log p(token | state) = logit[token] - log sum over the vocabulary of exp(logit)
    """
    import torch

    chunk = states_at_once(model)
    starts = torch.arange(0, len(states) + chunk, chunk, device=places.device)
    bounds = torch.searchsorted(places, starts).tolist()
    places = to_device(places, states.device)
    pieces = []
    for number, (first, last) in enumerate(itertools.pairwise(bounds)):
        start = number * chunk
        logits = vocabulary_logits(model, states[start : start + chunk])
        normaliser = logits.logsumexp(-1)
        at = places[first:last] - start
        pieces.append(logits[at, tokens[first:last]] - normaliser[at])
    return torch.cat(pieces)


def states_at_once(model: Any) -> int:
    """Return how many states go through the output head at once."""
    vocabulary = int(model.config.get_text_config().vocab_size)
    return max(
        1, min(LOGITS_AT_ONCE // vocabulary, max(FEWEST_STATES, CACHED_LOGITS // vocabulary))
    )


def vocabulary_logits(model: Any, states: Tensor) -> Tensor:
    """Apply the output head in float32, and the scaling or capping that some families put after it.

    Where a family does something else here, the comparison of tree and plain scores shows it.
    """
    import torch

    config = model.config.get_text_config()
    logits = head_in_float32(model.get_output_embeddings(), states)
    if cap := getattr(config, "final_logit_softcapping", None):  # Gemma
        logits = torch.tanh(logits / cap) * cap
    if divisor := getattr(config, "logits_scaling", None):  # Granite
        logits = logits / divisor
    if factor := getattr(config, "logit_scale", None):  # Cohere
        logits = logits * factor
    return logits
