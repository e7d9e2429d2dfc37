"""Both methods train adapters on the last layers alone, with and without a cache."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.instruction import Instruction

from benchbench import BenchbenchError
from benchbench.kit import cache
from benchbench.kit.frozen_layers import decoder_layers
from tests.support.models import bind_model
from tests.support.prompted import prompted_task

QUICK = {"epochs": 3, "patience": 0, "learning_rate": 0.005, "document_tokens": 32}
ONE = {**QUICK, "adapter_layers": 1}
CASES = [
    pytest.param(EmbeddingHead(), {}, id="head"),
    pytest.param(EmbeddingHead(), {"multi": True, "pooling": "mean"}, id="head-multi-label"),
    pytest.param(Instruction(), {}, id="one-label"),
    pytest.param(Instruction(), {"shared_beginning": False}, id="one-label-each-by-itself"),
    pytest.param(Instruction(), {"multi": True, "multi_label": "list"}, id="list"),
]


@dataclass(frozen=True)
class Known:
    """A backbone whose loaded models have an origin, as in a cell; it counts what is computed."""

    inner: Any
    computed: list[int]

    def load(self, params, *, device, dtype):
        loaded = self.inner.load(params, device=device, dtype=dtype)
        lowest = decoder_layers(loaded.model)[0]
        lowest.mlp.register_forward_hook(lambda *_: self.computed.append(1))
        return replace(loaded, facts={**loaded.facts, "origin": "tiny"})


def task_of(folder, method, seed=0, **params):
    """Return a task, and what will be counted of its lowest layer."""
    bound, computed = bind_model(folder), []
    bound = replace(bound, backbone=Known(bound.backbone, computed))
    return prompted_task(folder, method, seed=seed, backbone=bound, **params), computed


def fitted(folder, method, path, **params):
    """Return a classifier, and how often training and validation computed the lowest layer."""
    task, computed = task_of(folder, method, **params)
    with cache.enabled(path):
        classifier = method.fit(task)
    return classifier, len(computed), task


@pytest.mark.parametrize(("method", "options"), CASES)
def test_kept_states_change_no_result(prompted_model, tmp_path, method, options):
    plain, every, task = fitted(prompted_model, method, None, **ONE, **options)
    known, first, _ = fitted(prompted_model, method, tmp_path, **ONE, **options)
    again, later, _ = fitted(prompted_model, method, tmp_path, **ONE, **options)
    assert plain.facts["frozen_states"] == "computed in every step: there is no cache"
    assert known.facts["frozen_states"] == again.facts["frozen_states"] == "kept"
    assert plain.facts["frozen_layers"] == known.facts["frozen_layers"] == 1
    assert later < first < every
    texts = list(task.validation["text"])
    logits = [classifier.predict_logits(texts) for classifier in (plain, known, again)]
    assert np.array_equal(logits[1], logits[2])  # the same states, to the last digit
    np.testing.assert_allclose(logits[0], logits[1], atol=2e-3)


@pytest.mark.parametrize(("method", "options"), CASES[::2])
def test_another_seed_and_rate_compute_nothing_below_the_adapters(
    prompted_model, tmp_path, method, options
):
    _, _, _ = fitted(prompted_model, method, tmp_path, **ONE, **options)
    entries = list((tmp_path / "states").iterdir())
    other = {**ONE, "learning_rate": 0.01, "batch_size": 4, "rank": 2}
    classifier, _, _ = fitted(prompted_model, method, tmp_path, seed=1, **other, **options)
    assert classifier.facts["frozen_states"] == "kept"
    assert list((tmp_path / "states").iterdir()) == entries


def test_questions_that_are_drawn_anew_are_computed_in_every_step(prompted_model, tmp_path):
    classifier, _, _ = fitted(prompted_model, Instruction(), tmp_path, multi=True, **ONE)
    assert classifier.facts["multi_label_format"] == "yes-no"
    reason = "computed in every step: each epoch draws other questions"
    assert classifier.facts["frozen_states"] == reason


@pytest.mark.parametrize(("method", "options"), CASES[::2])
def test_a_saved_classifier_answers_alike(prompted_model, tmp_path, method, options):
    classifier, _, task = fitted(prompted_model, method, tmp_path / "cache", **ONE, **options)
    texts = list(task.validation["text"])
    before = classifier.predict_logits(texts)
    (tmp_path / "saved").mkdir()
    classifier.save(tmp_path / "saved")
    after = method.load(tmp_path / "saved", bind_model(prompted_model)).predict_logits(texts)
    np.testing.assert_allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("method", [EmbeddingHead(), Instruction()], ids=lambda method: method.name)
def test_fewer_layers_train_fewer_parameters_and_too_many_are_refused(prompted_model, method):
    one, _, _ = fitted(prompted_model, method, None, **{**ONE, "epochs": 1})
    both, _, _ = fitted(prompted_model, method, None, **{**QUICK, "epochs": 1})
    assert one.facts["trainable_parameters"] < both.facts["trainable_parameters"]
    assert both.facts["frozen_layers"] == 0 and both.facts["frozen_states"] is None
    with pytest.raises(BenchbenchError, match="adapter_layers=3: the model has 2 layers"):
        fitted(prompted_model, method, None, **{**ONE, "adapter_layers": 3})
