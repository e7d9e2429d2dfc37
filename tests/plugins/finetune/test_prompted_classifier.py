"""A classifier that prompts settles its parameters from the task, and once."""

from __future__ import annotations

import pytest
from benchbench_finetune.answer_formats import GoldLabels
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.prompted_classifier import PromptedSettings, gold_labels, prompt_model
from benchbench_finetune.zero_shot import ZeroShot

from tests.support.prompted import prompted_task


def test_it_names_the_format_that_it_settled_on(prompted_model):
    params = {"multi": True, "multi_label": "list", "max_listed": 1}
    task = prompted_task(prompted_model, Instruction(), **params)
    classifier = prompt_model(task, task.backbone.load(), gold_labels(task.train, 3))
    settings = classifier.settings
    assert (settings.format_name, settings.max_listed) == ("list", 1)


def test_the_usual_length_of_a_list_is_settled_by_the_training_documents(prompted_model):
    task = prompted_task(prompted_model, ZeroShot(), multi=True, multi_label="list")
    usual = [GoldLabels((0,), 1.0)] * 98
    for longest, expected in ((2, 2), (40, 16)):
        long = [GoldLabels(tuple(range(longest)), 1.0)] * 2
        assert PromptedSettings.of(task, usual + long).max_listed == expected
    assert PromptedSettings.of(task, [GoldLabels((), 1.0)]).max_listed == 1


@pytest.mark.parametrize(
    ("method", "negatives", "verbalizer"),
    [(Instruction(), 4, "text"), (ZeroShot(), 0, "text")],
    ids=["instruction", "zero-shot"],
)
def test_a_method_without_a_parameter_has_its_default(
    prompted_model, method, negatives, verbalizer
):
    task = prompted_task(prompted_model, method)
    settings = PromptedSettings.of(task, gold_labels(task.train, 3))
    assert (settings.negatives, settings.verbalizer) == (negatives, verbalizer)
    assert settings.format_name == "one-label"
    assert settings.document_tokens == task.params["document_tokens"]
