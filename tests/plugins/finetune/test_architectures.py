"""Every architecture goes through both methods: trained, predicted, saved and loaded again."""

from __future__ import annotations

import numpy as np
import pytest
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.instruction import Instruction

from tests.support.models import ARCHITECTURES, write_model
from tests.support.prompted import TOPICS, prompted_task

QUICK = {"epochs": 1, "learning_rate": 0.005, "document_tokens": 16, "batch_size": 16}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("architectures")
    texts = list(TOPICS.values())
    return {name: write_model(root / name, texts, family=name) for name in ARCHITECTURES}


@pytest.mark.parametrize("method", [EmbeddingHead(), Instruction()], ids=["head", "instruction"])
@pytest.mark.parametrize("family", ARCHITECTURES)
def test_every_architecture_is_trained_by_both_methods(folders, family, method, tmp_path):
    task = prompted_task(folders[family], method, train=32, **QUICK)
    classifier = method.fit(task)
    texts = list(task.validation["text"])
    logits = classifier.predict_logits(texts)
    assert np.isfinite(logits).all()
    assert classifier.facts["trainable_parameters"] > 0
    classifier.save(tmp_path / "saved")
    again = method.load(tmp_path / "saved", task.backbone)
    assert np.abs(again.predict_logits(texts) - logits).max() <= 1e-4
