"""Checks that turn a silent failure into an error: a GuardError or a subclass of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchbench.contract import Diverged, GuardError, HeadFrozen, LabelSpace, LoadedModel, Skip
from benchbench.kit.quantized_weights import quantized_modules, quantized_share, weights

if TYPE_CHECKING:
    from torch import Tensor, nn

Groups = Mapping[str, Iterable["Tensor"]]
"""Parameters by the name that messages use for them, e.g. "head" or "adapter"."""
LEAST_QUANTIZED = 0.5
"""A model of which less is quantised is not what was asked for; `quantized_share` defines it."""


def check_trainable(groups: Groups) -> None:
    """Raise HeadFrozen where a group is empty or one of its parameters is frozen."""
    for name, parameters in groups.items():
        trainable = [parameter.requires_grad for parameter in parameters]
        if not trainable:
            raise HeadFrozen(f"there is nothing to train in '{name}'")
        if not all(trainable):
            count = trainable.count(False)
            raise HeadFrozen(f"{count} of {len(trainable)} parameters of '{name}' are frozen")


def copies(groups: Groups) -> dict[str, list[Tensor]]:
    """Return copies of all parameters, for `check_changed` to compare with later."""
    return {name: [p.detach().clone() for p in parameters] for name, parameters in groups.items()}


def check_changed(before: Groups, after: Groups) -> None:
    """Raise HeadFrozen where no tensor of a group has changed since `copies`."""
    import torch

    for name, tensors in before.items():
        pairs = zip(tensors, after[name], strict=True)
        if all(torch.equal(old, new.detach()) for old, new in pairs):
            raise HeadFrozen(f"'{name}' did not change in the first step of the optimizer")


def check_finite(what: str, tensors: Iterable[Tensor], advice: str = "") -> None:
    """Raise Diverged where a value is not finite.

    `what` names it, e.g. "the loss of step 6". `advice` says what to do, where that is known.
    """
    if not all(bool(tensor.detach().isfinite().all()) for tensor in tensors):
        raise Diverged(f"{what}: not a finite number" + (f"; {advice}" if advice else ""))


def check_float16(loaded: LoadedModel) -> None:
    """Raise Skip where a model in float16 overflows on a few tokens, before anything is trained.

    Models that were trained in bfloat16 may compute numbers that float16 does not hold. They show
    on the first tokens of a text, which draw the largest states (Sun et al., 2024, Massive
    Activations in Large Language Models).
    """
    import torch

    if loaded.facts["dtype"] != "float16":
        return
    embeddings = loaded.model.get_input_embeddings()
    ids = torch.arange(1, 17, device=embeddings.weight.device).clamp(max=len(embeddings.weight) - 1)
    with torch.no_grad():
        states = loaded.model.base_model(input_ids=ids[None]).last_hidden_state
    if not bool(states.isfinite().all()):
        raise Skip(
            "the model's numbers exceed 65,504, the largest that float16 holds; set dtype to "
            "bfloat16 on a GPU that has it (compute capability 8.0 or later), else to float32"
        )


def check_quantized(model: nn.Module, quantization: str) -> dict[str, int]:
    """Return `quantized_modules`; raise GuardError where they are not as `quantization` says.

    It is "nf4", "int8" or "none". A checkpoint that is quantised on disk keeps its own kind,
    whatever is asked for. A model whose weights are mostly whole does not pass as quantised.
    """
    counts = quantized_modules(model)
    if quantization in counts and not counts[quantization]:
        raise GuardError(
            f"asked for {quantization}, but no module of the model has that kind; set the "
            "backbone's quantization to none"
        )
    for kind, count in counts.items():
        if kind != quantization and count:
            raise GuardError(
                f"asked for '{quantization}', but {count} modules are quantised as {kind}"
            )
    if quantization in counts:
        _check_share(model, quantization)
    return counts


def _check_share(model: nn.Module, quantization: str) -> None:
    """Raise GuardError where less than `LEAST_QUANTIZED` of the inner matrices is quantised."""
    share = quantized_share(model)
    if share < LEAST_QUANTIZED:
        whole = [weight for weight in weights(model) if weight.inner and not weight.quantization]
        largest = max(whole, key=lambda weight: weight.size)
        others = "none" if quantization == "nf4" else "nf4 or none"
        raise GuardError(
            f"asked for {quantization}, but only {share * 100:.0f} % of the weights are quantised "
            f"(embeddings and output head aside), e.g. '{largest.name}' is not; set the backbone's "
            f"quantization to {others}"
        )


def check_head(head: nn.Module) -> None:
    """Raise GuardError unless the head is made of ordinary modules in float32."""
    import torch

    for name, module in head.named_modules():
        if type(module).__module__.partition(".")[0] == "bitsandbytes":
            raise GuardError(f"the head is quantised: '{name}' is a {type(module).__name__}")
    for name, parameter in head.named_parameters():
        if parameter.dtype != torch.float32:
            raise GuardError(f"the head is not in float32: '{name}' is {parameter.dtype}")


def check_labels(saved: LabelSpace, expected: LabelSpace) -> None:
    """Raise GuardError where the labels differ, or their texts, or their order."""
    if saved.digest == expected.digest:
        return
    if sorted(saved.names) != sorted(expected.names):
        differing = sorted(set(saved.names) ^ set(expected.names))[:3]
        listed = ", ".join(differing)
        raise GuardError(f"the labels differ from those in training: {listed} ...")
    raise GuardError("the labels have other texts or another order than in training")


def check_one_bos(prompt: Sequence[int], bos: int | None) -> None:
    """Raise GuardError where a prompt begins with two beginning-of-sequence tokens.

    A chat template may write one, and the tokenizer may add another.
    """
    if bos is not None and list(prompt[:2]) == [bos, bos]:
        raise GuardError(f"the prompt begins with token {bos} (BOS) twice")


def check_answer_slot(prompt: Sequence[int], head: Sequence[int], tail: Sequence[int]) -> None:
    """Raise GuardError unless the prompt begins with all of `head` and ends with all of `tail`."""
    length = len(prompt)
    long_enough = length >= len(head) + len(tail)
    if not long_enough or tuple(prompt[: len(head)]) != tuple(head):
        raise GuardError("the instruction was cut: only the document may be shortened")
    if tuple(prompt[length - len(tail) :]) != tuple(tail):
        raise GuardError("the answer slot was cut: only the document may be shortened")


def check_left_padded(attention_mask: Tensor) -> None:
    """Raise GuardError unless every row of the mask [batch, tokens] ends in a real token.

    Otherwise the next token would be predicted from padding.
    """
    if not bool(attention_mask[:, -1].all()):
        raise GuardError("rows are padded on the right, where the answer stands")
