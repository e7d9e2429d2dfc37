"""How much work each method makes of a dataset: what `benchbench plan` goes by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchbench import Amount, Params, Workload, document_tokens
from benchbench.kit.typed_parameters import read_parameters
from benchbench_finetune.answer_formats import YES_NO_LABELS

PROMPT = 40
"""Tokens of the instructions around a document."""
ANSWER = 5
"""Tokens of a label with its end."""
QUESTION = 20
"""Tokens of one yes-no question with its answer."""
LISTED = 3
"""Labels of a list."""


@dataclass(frozen=True, slots=True)
class WorkloadParameters:
    """The parameters that decide how much work a method makes; not every method has them all."""

    document_tokens: int
    eval_batch_size: int
    epochs: int = 0
    batch_size: int = 1
    gradient_checkpointing: bool | str = False
    rank: int = 0
    negatives: int = 0
    verbalizer: str = "text"
    multi_label: str = "auto"
    label_list: str = "auto"


def head_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of training adapters below a head."""
    return _document_workload("adapters", params, amount)


def encoder_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of training a whole encoder."""
    return _document_workload("everything", params, amount)


def _document_workload(
    trains: Literal["adapters", "everything"], params: Params, amount: Amount
) -> Workload:
    """Return the work of training on documents without a prompt."""
    read = read_parameters(WorkloadParameters, params)
    mean = document_tokens(amount, read.document_tokens)
    return Workload(
        trains,
        read.document_tokens,
        mean,
        mean,
        read.epochs,
        read.batch_size,
        read.eval_batch_size,
        rank=read.rank,
        checkpointing=read.gradient_checkpointing,
    )


def frozen_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of computing the embeddings once."""
    read = read_parameters(WorkloadParameters, params)
    mean = document_tokens(amount, read.document_tokens)
    return Workload("nothing", read.document_tokens, mean, mean, eval_batch=read.eval_batch_size)


def prompted_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of scoring labels behind a prompt, after training where there are epochs."""
    read = read_parameters(WorkloadParameters, params)
    mean = document_tokens(amount, read.document_tokens)
    around = PROMPT + (ANSWER * amount.labels if _lists_labels(read, amount) else 0)
    learned, scored = _answer_tokens(read, amount)
    trains = read.epochs > 0
    return Workload(
        "adapters" if trains else "nothing",
        read.document_tokens + around + learned,
        mean + around + learned if trains else 0.0,
        mean + around + scored,
        read.epochs,
        read.batch_size,
        read.eval_batch_size,
        rank=read.rank,
        supervised=learned,
        checkpointing=read.gradient_checkpointing,
        plain_tokens=_continuations(read, amount) * (mean + around + ANSWER),
    )


def _continuations(read: WorkloadParameters, amount: Amount) -> int:
    """Return how many continuations are scored behind a document."""
    if amount.kind == "single-label":
        return amount.labels
    return amount.labels * (2 if _asks_yes_or_no(read, amount) else LISTED)


def _asks_yes_or_no(read: WorkloadParameters, amount: Amount) -> bool:
    automatic = read.multi_label == "auto" and amount.labels <= YES_NO_LABELS
    return automatic or read.multi_label == "yes-no"


def _answer_tokens(read: WorkloadParameters, amount: Amount) -> tuple[int, int]:
    """Return the tokens behind a document that are learned, and those that are scored."""
    if amount.kind == "single-label" and read.verbalizer == "code":
        return 1, 0
    if amount.kind == "single-label":
        return ANSWER, ANSWER * amount.labels
    if _asks_yes_or_no(read, amount):
        return QUESTION * (2 + read.negatives), QUESTION * amount.labels
    return LISTED * ANSWER, LISTED * ANSWER * amount.labels


def _lists_labels(read: WorkloadParameters, amount: Amount) -> bool:
    """Say whether the prompt lists all labels, as far as that is known beforehand."""
    automatic = read.label_list == "auto" and amount.kind == "single-label"
    return automatic or read.label_list == "always"
