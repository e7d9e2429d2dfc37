"""Checks of a model in memory: its numbers are finite, and every token has an embedding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchbench import GuardError
from benchbench.kit.batching import CONTROL_TOKEN, framing_tokens
from benchbench.kit.quantized_weights import packed_experts

if TYPE_CHECKING:
    from torch import Tensor


def check_finite_weights(checkpoint: str, model: Any) -> None:
    """Raise GuardError where a weight is NaN or infinite; of packed ones the scales are read."""
    import torch

    for name, numbers in _numbers(model):
        finite = bool(numbers.sum(dtype=torch.float32).isfinite())  # one pass, nothing allocated
        if not finite and not bool(numbers.isfinite().all()):
            raise GuardError(
                f"{checkpoint}: the weights hold NaN or infinite numbers in '{name}'; download the "
                "checkpoint again"
            )


def check_vocabulary(checkpoint: str, tokenizer: Any, embeddings: int) -> None:
    """Raise GuardError where texts can have tokens that the model has no embedding for.

    Control tokens beyond the embeddings are no fault: no document can spell one. Those that
    stand around every document, or in the chat template, are.
    """
    vocabulary = tokenizer.get_vocab()
    beyond = {token: index for token, index in vocabulary.items() if index >= embeddings}
    if not beyond:
        return
    added = tokenizer.added_tokens_decoder
    around = {index for side in framing_tokens(tokenizer) for index in side}
    template = str(tokenizer.chat_template or "")
    used = {
        token: index
        for token, index in beyond.items()
        if not _is_control(token, added.get(index)) or index in around or token in template
    }
    if used:
        token, index = min(used.items(), key=lambda item: item[1])
        raise GuardError(
            f"{checkpoint}: {len(used):,} of {len(vocabulary):,} tokens of the tokenizer have no "
            f"embedding in the model, which has {embeddings:,}, e.g. '{token}' with the id "
            f"{index:,}; take the tokenizer that the model was trained with"
        )


def _is_control(token: str, added: Any) -> bool:
    """Say whether an added token is one that no document can spell; see `tokenize_text`."""
    return added is not None and (added.special or bool(CONTROL_TOKEN.fullmatch(token)))


def _numbers(model: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield (name, floats) for every parameter: itself, or the scales of a packed one."""
    for prefix, module in model.named_modules():
        for name, state in packed_experts(module).items():
            yield from ((f"{prefix}.{name}", scales) for scales in _scales(state))
        for name, parameter in module.named_parameters(prefix, recurse=False):
            if parameter.is_floating_point():
                yield name, parameter.detach()
            elif (state := getattr(parameter, "quant_state", None)) is not None:
                yield from ((name, scales) for scales in _scales(state))
            elif (scales := getattr(parameter, "SCB", None)) is not None:
                yield name, scales


def _scales(state: Any) -> list[Tensor]:
    """Return the scales of a 4-bit weight; those that are quantised themselves have their own."""
    return [state.offset, state.state2.absmax] if state.nested else [state.absmax]
