"""Zero-shot, end to end on a tiny random model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchbench_finetune.zero_shot import ZeroShot

from benchbench import LabelSpace, TrainingFacts
from tests.support.prompted import prompted_task


@pytest.mark.parametrize("multi", [False, True], ids=["single-label", "multi-label"])
@pytest.mark.parametrize("multi_label", ["yes-no", "list"])
def test_zero_shot_prompts_the_backbone_as_it_is(prompted_model, multi, multi_label, tmp_path):
    method = ZeroShot()
    task = prompted_task(prompted_model, method, multi=multi, multi_label=multi_label)
    classifier = method.fit(task)
    assert classifier.facts["trainable_parameters"] == 0
    assert TrainingFacts.of(classifier.facts).minimises == "nothing"
    assert not classifier.loaded.model.training
    logits = classifier.predict_logits(task.validation["text"][:8])
    assert logits.shape == (8, 3)
    assert np.isfinite(logits).all()
    classifier.save(tmp_path)
    assert not (tmp_path / "adapter.json").exists()
    again = method.load(tmp_path, task.backbone)
    assert np.array_equal(again.predict_logits(task.validation["text"][:8]), logits)


@pytest.mark.parametrize(("labels", "format_name"), [(64, "yes-no"), (65, "list")])
def test_the_multi_label_format_goes_by_the_number_of_labels(prompted_model, labels, format_name):
    method = ZeroShot()
    task = prompted_task(prompted_model, method, multi=True, label_list="never")
    names = tuple(sorted([*task.labels.names, *(f"x{n:02}" for n in range(labels - 3))]))
    classifier = method.fit(replace(task, labels=LabelSpace(names)))
    assert classifier.facts["multi_label_format"] == format_name
