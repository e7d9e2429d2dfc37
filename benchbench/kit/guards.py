"""Checks that turn a silent failure into an error. Each raises GuardError or a child of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchbench.contract import Diverged, GuardError, HeadFrozen, LabelSpace

if TYPE_CHECKING:
    from torch import Tensor, nn

Groups = Mapping[str, Iterable["Tensor"]]
"""Parameters by the name under which a message speaks of them: "head", "adapter"."""


def check_trainable(groups: Groups) -> None:
    """Raise HeadFrozen where a group is empty or one of its parameters is frozen."""
    for name, parameters in groups.items():
        frozen = [parameter.requires_grad for parameter in parameters]
        if not frozen:
            raise HeadFrozen(f"there is nothing to train in '{name}'")
        if not all(frozen):
            count = frozen.count(False)
            raise HeadFrozen(f"{count} of {len(frozen)} parameters of '{name}' are frozen")


def copies(groups: Groups) -> dict[str, list[Tensor]]:
    """Return what the groups hold now, to be compared by `check_changed` later."""
    return {name: [tensor.detach().clone() for tensor in of] for name, of in groups.items()}


def check_changed(before: Groups, after: Groups) -> None:
    """Raise HeadFrozen where not one tensor of a group has changed."""
    import torch

    for name, tensors in before.items():
        pairs = zip(tensors, after[name], strict=True)
        if all(torch.equal(old, new.detach()) for old, new in pairs):
            raise HeadFrozen(f"'{name}' did not change in the first step of the optimizer")


def check_finite(what: str, tensors: Iterable[Tensor]) -> None:
    """Raise Diverged where a value is not a finite number, e.g. `what` = "the loss of step 6"."""
    if not all(bool(tensor.detach().isfinite().all()) for tensor in tensors):
        raise Diverged(f"{what}: not a finite number; a lower learning rate may help")


def quantized_modules(model: nn.Module) -> dict[str, int]:
    """Return how many modules of the model are really quantised: {"nf4": ..., "int8": ...}."""
    import bitsandbytes as bnb

    modules = list(model.modules())
    return {
        "nf4": sum(isinstance(module, bnb.nn.Linear4bit) for module in modules),
        "int8": sum(isinstance(module, bnb.nn.Linear8bitLt) for module in modules),
    }


def check_quantized(model: nn.Module, asked: str) -> dict[str, int]:
    """Return `quantized_modules`; raise GuardError where they are not as `asked`.

    `asked` is "nf4", "int8" or "none". A checkpoint that was quantised before brings its own
    kind along, whatever is asked for.
    """
    found = quantized_modules(model)
    if asked in found and not found[asked]:
        raise GuardError(f"asked for {asked}, but no module of the model is quantised so")
    for kind, count in found.items():
        if kind != asked and count:
            raise GuardError(f"asked for '{asked}', but {count} modules are quantised as {kind}")
    return found


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
    """Raise GuardError where labels differ, or stand in another order."""
    if saved.digest == expected.digest:
        return
    if sorted(saved.names) != sorted(expected.names):
        apart = sorted(set(saved.names) ^ set(expected.names))[:3]
        raise GuardError(f"the labels are not those it was trained with: {', '.join(apart)} ...")
    raise GuardError("the labels have other texts or another order than it was trained with")


def check_one_bos(prompt: Sequence[int], bos: int | None) -> None:
    """Raise GuardError where a prompt begins with more than one beginning-of-sequence token.

    A chat template writes its own; a tokenizer asked to add one too would double it.
    """
    if bos is not None and list(prompt[:2]) == [bos, bos]:
        raise GuardError(f"the prompt begins with token {bos} (BOS) twice")


def check_answer_slot(prompt: Sequence[int], head: Sequence[int], tail: Sequence[int]) -> None:
    """Raise GuardError unless instruction and answer slot stand whole around the document."""
    length = len(prompt)
    whole = length >= len(head) + len(tail)
    if not whole or tuple(prompt[: len(head)]) != tuple(head):
        raise GuardError("the instruction was cut: only the document may be shortened")
    if tuple(prompt[length - len(tail) :]) != tuple(tail):
        raise GuardError("the answer slot was cut: only the document may be shortened")


def check_left_padded(attention_mask: Tensor) -> None:
    """Raise GuardError unless every row of the mask [batch, tokens] ends in a real token.

    What follows a padded end would be predicted from padding.
    """
    if not bool(attention_mask[:, -1].all()):
        raise GuardError("rows are padded on the right, where the answer stands")
