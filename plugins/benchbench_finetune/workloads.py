"""How much work each method makes of so much data: what `benchbench plan` goes by."""

from __future__ import annotations

from benchbench import Amount, Params, Workload, document_tokens

PROMPT = 40
"""Tokens of the instructions around a document."""
ANSWER = 5
"""Tokens of a label with its end."""
QUESTION = 20
"""Tokens of one yes-no question with its answer."""
YES_NO_LABELS = 64


def head_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of LoRA under a head."""
    mean, longest = _document(params, amount)
    return Workload(
        "adapters",
        longest,
        mean,
        mean,
        float(params["epochs"]),
        int(params["batch_size"]),
        int(params["eval_batch_size"]),
        rank=int(params["rank"]),
        checkpointing=_checkpointing(params),
    )


def encoder_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of training a whole encoder."""
    mean, longest = _document(params, amount)
    return Workload(
        "everything",
        longest,
        mean,
        mean,
        float(params["epochs"]),
        int(params["batch_size"]),
        int(params["eval_batch_size"]),
        checkpointing=_checkpointing(params),
    )


def frozen_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of computing features once."""
    mean, longest = _document(params, amount)
    return Workload("nothing", longest, mean, mean, eval_batch=int(params["eval_batch_size"]))


def prompted_workload(params: Params, amount: Amount) -> Workload:
    """Return the work of asking, after training where the parameters have epochs."""
    mean, longest = _document(params, amount)
    listed = ANSWER * amount.labels if _lists(params, amount) else 0
    around = PROMPT + listed
    learned, scored = _answers(params, amount)
    trains = "epochs" in params
    return Workload(
        "adapters" if trains else "nothing",
        longest + around + learned,
        mean + around + learned if trains else 0.0,
        mean + around + scored,
        float(params.get("epochs", 0)),
        int(params.get("batch_size", 1)),
        int(params["eval_batch_size"]),
        rank=int(params.get("rank", 0)),
        supervised=learned,
        checkpointing=_checkpointing(params) if trains else False,
    )


def _answers(params: Params, amount: Amount) -> tuple[int, int]:
    """Return the tokens behind a document that are learned, and those that are scored."""
    if amount.kind == "single-label" and params.get("verbalizer") == "code":
        return 1, 0
    if amount.kind == "single-label":
        return ANSWER, ANSWER * amount.labels
    asks = params["multi_label"] == "yes-no" or (
        params["multi_label"] == "auto" and amount.labels <= YES_NO_LABELS
    )
    if asks:
        return QUESTION * (2 + int(params.get("negatives", 0))), QUESTION * amount.labels
    return 3 * ANSWER, 3 * ANSWER * amount.labels


def _lists(params: Params, amount: Amount) -> bool:
    """Say whether the prompt lists all labels, as far as that can be known beforehand."""
    choice = params["label_list"]
    return choice == "always" or (choice == "auto" and amount.kind == "single-label")


def _document(params: Params, amount: Amount) -> tuple[float, int]:
    most = int(params["document_tokens"])
    return document_tokens(amount, most), most


def _checkpointing(params: Params) -> bool | str:
    value = params["gradient_checkpointing"]
    return value if isinstance(value, bool) else "auto"
