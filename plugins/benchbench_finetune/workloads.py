"""How much work each method makes of a dataset: what `benchbench plan` goes by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from benchbench import Amount, Params, Workload, document_tokens, longest_document
from benchbench.kit.typed_parameters import read_parameters
from benchbench_finetune.answer_formats import YES_NO_LABELS

BEFORE, AFTER = 25, 12
"""Tokens of the instruction before a document, and of the answer slot behind it."""
END = 1
"""The token that ends an answer; in a list of labels it is that between two lines."""
QUESTION = 15
"""Tokens of one yes-no question with its answer, beside its label."""
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
    shared_beginning: bool | str = True
    micro_tokens: int | str | None = None
    adapter: str = "lora"
    adapter_layers: int | str = "all"


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
        longest_document(amount, read.document_tokens),
        mean,
        mean,
        read.epochs,
        read.batch_size,
        read.eval_batch_size,
        rank=read.rank,
        checkpointing=read.gradient_checkpointing,
        micro_tokens=read.micro_tokens,
        adapter=read.adapter,
        adapter_layers=read.adapter_layers,
    )


def frozen_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of computing the embeddings once."""
    read = read_parameters(WorkloadParameters, params)
    mean = document_tokens(amount, read.document_tokens)
    longest = longest_document(amount, read.document_tokens)
    return Workload("nothing", longest, mean, mean, eval_batch=read.eval_batch_size)


def prompted_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of scoring labels behind a prompt, after training where there are epochs."""
    read = read_parameters(WorkloadParameters, params)
    mean = document_tokens(amount, read.document_tokens)
    beginning = BEFORE + (_listing(amount) if _lists_labels(read, amount) else 0.0)
    learned, scored = _answer_tokens(read, amount)
    trains = read.epochs > 0
    own = AFTER + (0.0 if read.shared_beginning else beginning)
    return Workload(
        "adapters" if trains else "nothing",
        math.ceil(longest_document(amount, read.document_tokens) + own + learned),
        mean + own + learned if trains else 0.0,
        mean + own + scored,
        read.epochs,
        read.batch_size,
        read.eval_batch_size,
        rank=read.rank,
        supervised=math.ceil(learned),
        checkpointing=read.gradient_checkpointing,
        plain_tokens=_continuations(read, amount) * (mean + AFTER + beginning + _answer(amount)),
        shared_tokens=beginning if read.shared_beginning else 0.0,
        scored=max(1, math.ceil(scored)),
        branch_tokens=scored,
        micro_tokens=read.micro_tokens,
        adapter=read.adapter,
        adapter_layers=read.adapter_layers,
        redrawn=_asks_yes_or_no(read, amount),
    )


def _answer(amount: Amount) -> float:
    """Return the mean number of tokens of a label with its end."""
    return amount.label_tokens + END


def _nodes(amount: Amount) -> float:
    """Return the tokens of all labels, what several begin with once."""
    return amount.label_nodes or amount.label_tokens * amount.labels


def _listing(amount: Amount) -> float:
    """Return the tokens of a list of all labels, one a line."""
    return amount.labels * _answer(amount)


def _continuations(read: WorkloadParameters, amount: Amount) -> int:
    """Return how many continuations are scored behind a document."""
    if amount.kind == "single-label":
        return amount.labels
    return amount.labels * (2 if _asks_yes_or_no(read, amount) else LISTED)


def _asks_yes_or_no(read: WorkloadParameters, amount: Amount) -> bool:
    if amount.kind == "single-label":
        return False
    automatic = read.multi_label == "auto" and amount.labels <= YES_NO_LABELS
    return automatic or read.multi_label == "yes-no"


def _answer_tokens(read: WorkloadParameters, amount: Amount) -> tuple[float, float]:
    """Return the tokens behind a document that are learned, and those that are scored.

    The last token of an answer is predicted and not read.
    """
    if amount.kind == "single-label" and read.verbalizer == "code":
        return 1, 0
    if amount.kind == "single-label":
        return _answer(amount), _nodes(amount)
    if _asks_yes_or_no(read, amount):
        question = QUESTION + amount.label_tokens
        return question * (2 + read.negatives), question * amount.labels
    return LISTED * _answer(amount), LISTED * _nodes(amount)


def _lists_labels(read: WorkloadParameters, amount: Amount) -> bool:
    """Say whether the prompt lists all labels, as far as that is known beforehand.

    The rule is that of `prompt_format`; a quarter of the context is not known here.
    """
    pays = not _asks_yes_or_no(read, amount) and _listing(amount) <= read.document_tokens
    return read.label_list == "always" or (read.label_list == "auto" and pays)
