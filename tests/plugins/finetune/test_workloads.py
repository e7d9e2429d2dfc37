"""The work of the prompted methods follows the prompts: what is listed, shared, learned, scored."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.workloads import head_workload, prompted_workload
from benchbench_finetune.zero_shot import ZeroShot

from benchbench import Amount, LabelSpace
from benchbench.contract.parameters import resolve
from benchbench.planning.label_sizes import label_sizes
from tests.support.prompted import prompt_of

DOCUMENTS = {"train": 1000, "validation": 100, "test": 100}
AMOUNT = Amount("single-label", DOCUMENTS, 240.0, 77, 900, 4.0)
CODES = Amount("multi-label", DOCUMENTS, 2400.0, 451, 9000, 4.0)


def work(amount=AMOUNT, method=None, **given):
    method = method or Instruction()
    params, faults = resolve(method.name, method.parameters, given)
    assert not faults
    return method.workload(params, amount)


def test_labels_are_listed_where_that_costs_no_more_than_a_document():
    listing = 77 * 5
    unlisted = work(document_tokens=listing - 1).shared_tokens
    assert work(document_tokens=listing).shared_tokens == unlisted + listing
    assert work(document_tokens=listing, label_list="never").shared_tokens == unlisted
    assert work(document_tokens=1, label_list="always").shared_tokens == unlisted + listing


def test_a_list_of_labels_counts_in_a_prompt_for_several_too():
    always = {"label_list": "always"}
    assert work(CODES, **always).shared_tokens > 451 * 5
    assert work(CODES).shared_tokens < 50, "it has more tokens than a document"
    few = replace(CODES, labels=8)
    assert work(few).shared_tokens < 50, "a question names its label itself"
    assert work(few, multi_label="list").shared_tokens > 8 * 5


def test_what_is_not_shared_counts_for_every_document():
    shared = work(label_list="always")
    apart = work(label_list="always", shared_beginning=False)
    assert apart.shared_tokens == 0
    for name in ("training_tokens", "prediction_tokens", "longest"):
        more = getattr(apart, name) - getattr(shared, name)
        assert more == pytest.approx(shared.shared_tokens, abs=1)


def test_what_is_learned_and_scored():
    text, code = work(label_list="never"), work(label_list="never", verbalizer="code")
    assert (text.supervised, code.supervised) == (5, 1)
    assert (text.branch_tokens, code.branch_tokens) == (77 * 4, 0)
    assert (text.scored, code.scored) == (77 * 4, 1)
    assert work(replace(AMOUNT, label_nodes=200), label_list="never").branch_tokens == 200
    untrained = work(method=ZeroShot())
    assert (untrained.trains, untrained.training_tokens) == ("nothing", 0)
    assert untrained.prediction_tokens == text.prediction_tokens


def test_the_longest_document_counts_where_it_is_known():
    params = {"document_tokens": 256, "eval_batch_size": 32}
    assert head_workload(params, AMOUNT).longest == 200
    assert head_workload(params, replace(AMOUNT, longest=0)).longest == 256
    assert prompted_workload(params, replace(AMOUNT, longest=10**6)).longest > 256


@pytest.mark.parametrize("kind", ["names", "codes"])
def test_a_real_prompt_has_about_as_many_tokens_as_was_thought(shared, kind):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(shared / "tokenizers" / "llama3.1")
    names = json.loads((shared / "data" / "banking77" / "categories.json").read_text())
    if kind == "codes":
        names = [f"{section}{number:02}{letter}" for section in "ABCDEFGH" for number in range(1, 9)
                 for letter in "BKN"]  # fmt: skip
    labels = LabelSpace(tuple(sorted(names)))
    one, two = (
        prompt_of(tokenizer, labels, "one-label", 10**6, label_list=choice)
        for choice in ("never", "always")
    )
    amount = replace(
        AMOUNT, characters=270.0, labels=len(labels), label_tokens=label_sizes(labels.texts)[0]
    )
    thought = [work(amount, label_list=choice) for choice in ("never", "always")]
    assert thought[0].shared_tokens == pytest.approx(len(one.head), abs=10)
    # this tokenizer writes 01 in one token, most others in two
    assert thought[1].shared_tokens == pytest.approx(len(two.head), rel=0.3)
    around = thought[0].training_tokens - 60 - thought[0].supervised
    assert around == pytest.approx(len(one.tail), abs=12)


def test_only_questions_that_are_drawn_anew_are_computed_in_every_epoch():
    few = replace(CODES, labels=5)
    layers = {"adapter_layers": 2}
    assert [work(amount, **layers).redrawn for amount in (AMOUNT, CODES, few)] == [
        False,
        False,
        True,
    ]
    assert not work(few, multi_label="list", **layers).redrawn
    assert work(**layers).adapter_layers == 2
    assert work().adapter_layers == "all"
    assert work(method=EmbeddingHead(), **layers).adapter_layers == 2
    assert not work(few, EmbeddingHead(), **layers).redrawn
