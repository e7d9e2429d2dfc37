"""Each guard catches the fault that it is for, and lets the honest case pass."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from benchbench import LabelSpace
from benchbench.contract import Diverged, GuardError
from benchbench.contract.errors import HeadFrozen
from benchbench.kit.guards import (
    check_answer_slot,
    check_changed,
    check_finite,
    check_head,
    check_labels,
    check_left_padded,
    check_one_bos,
    check_trainable,
    copies,
)

LABELS = LabelSpace(("a", "b", "ü"), ("an a", "a b", "an ü"), {"a": "root"})


def test_nothing_to_train_is_caught():
    with pytest.raises(HeadFrozen, match="nothing to train in 'adapter'"):
        check_trainable({"adapter": []})


def test_one_changed_tensor_is_a_change():
    weight, bias = torch.zeros(2), torch.zeros(2)
    before = copies({"head": [weight, bias]})
    with pytest.raises(HeadFrozen):
        check_changed(before, {"head": [weight, bias]})
    bias += 1
    check_changed(before, {"head": [weight, bias]})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_every_kind_of_not_finite_is_caught(value):
    check_finite("a tensor", [torch.ones(3)])
    with pytest.raises(Diverged, match="a tensor"):
        check_finite("a tensor", [torch.ones(3), torch.tensor([1.0, value])])


def test_a_head_must_be_ordinary_and_in_float32():
    import bitsandbytes as bnb

    check_head(nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 2)))
    with pytest.raises(GuardError, match="quantised: '0' is a Linear4bit"):
        check_head(nn.Sequential(bnb.nn.Linear4bit(64, 64)))
    with pytest.raises(GuardError, match=r"'weight' is torch\.float16"):
        check_head(nn.Linear(4, 2).half())


@pytest.mark.parametrize(
    ("config", "frozen"),
    [
        ({"task_type": "SEQ_CLS"}, False),
        ({"task_type": "SEQ_CLS", "modules_to_save": ["clasifier"]}, False),
        ({"modules_to_save": ["score"]}, False),
        ({"modules_to_save": ["classifier"]}, True),
        ({"task_type": "FEATURE_EXTRACTION"}, True),
    ],
    ids=["task", "task-and-typo", "right-name", "name-of-another-model", "wrong-task"],
)
def test_a_head_that_an_adapter_library_froze_is_caught(config, frozen):
    """Peft takes all five without a warning about the head, and trains three of them."""
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForSequenceClassification

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    llama = LlamaConfig(**sizes, num_attention_heads=2, vocab_size=16, num_labels=3)
    wrapped = get_peft_model(
        LlamaForSequenceClassification(llama), LoraConfig(target_modules=["q_proj"], **config)
    )
    score = wrapped.base_model.model.score
    head = score.modules_to_save["default"] if hasattr(score, "modules_to_save") else score
    groups = {"head": list(head.parameters())}
    if frozen:
        with pytest.raises(HeadFrozen, match="'head' are frozen"):
            check_trainable(groups)
    else:
        check_trainable(groups)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (LabelSpace(("a", "b", "c")), "differ from those in training: c, ü"),
        (LabelSpace(("a", "b", "ü"), ("a b", "an a", "an ü")), "other texts or another order"),
    ],
    ids=["other-names", "swapped-texts"],
)
def test_other_labels_than_trained_with_are_refused(other, message):
    check_labels(LABELS, LABELS)
    with pytest.raises(GuardError, match=message):
        check_labels(LABELS, other)


def test_guards_catch_what_they_are_for():
    import torch

    check_one_bos([0, 5], 0)
    check_one_bos([5, 5], None)
    with pytest.raises(GuardError, match="twice"):
        check_one_bos([0, 0, 5], 0)
    check_answer_slot([1, 2, 9, 3], [1, 2], [3])
    for cut, what in [([1, 9, 3], "instruction"), ([1, 2, 9], "slot"), ([1], "instruction")]:
        with pytest.raises(GuardError, match=what):
            check_answer_slot(cut, [1, 2], [3])
    check_left_padded(torch.tensor([[0, 1], [1, 1]]))
    with pytest.raises(GuardError, match="right"):
        check_left_padded(torch.tensor([[1, 0], [1, 1]]))
