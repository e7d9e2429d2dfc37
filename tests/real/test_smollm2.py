"""What miniatures hide: a real pretrained model, in the dtypes that its users compute in."""

from __future__ import annotations

import numpy as np
from benchbench_backbones.gguf_file import stored_as
from benchbench_backbones.pretrained_model import resolve
from benchbench_backbones.shapes import SHAPES
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.verbalizer import codes, written_tokens

from tests.support.models import bind_model
from tests.support.prompted import prompted_task
from tests.support.real_models import MINILM, SMOLLM2, SMOLLM2_GGUF, real_model

TOPICS = ("World", "Sports", "Business", "Sci/Tech")


def test_a_real_encoder_is_known_by_its_folder():
    folder = resolve(str(real_model(MINILM)))
    assert (folder.kind, folder.family) == ("encoder", "bert")
    assert folder.shape() == SHAPES["all-minilm-l6-v2"]


def test_a_label_has_its_own_token_as_its_code_behind_the_chat_template():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(real_model(SMOLLM2))
    tokens = codes(tokenizer, written_tokens(tokenizer, TOPICS, ""))
    words = [tokenizer.decode(list(token)) for token in tokens]
    assert words == ["World", "Sports", "Business", "Sci"]


def test_a_gguf_file_says_its_sizes_and_how_it_is_stored_without_being_loaded():
    file = resolve(str(real_model(SMOLLM2_GGUF)))
    folder = resolve(str(real_model(SMOLLM2)))
    assert file.shape() == folder.shape() == SHAPES["smollm2-135m-instruct"]
    assert stored_as(file.source.path) == "GGUF Q4_1"
    assert file.family == folder.family == "llama"


def trained(method, **more):
    """Return what a method makes of 16 documents with the model in NF4, computed in bfloat16."""
    backbone = bind_model(real_model(SMOLLM2), "nf4", dtype="bfloat16")
    budget = {"train": 16, "epochs": 1, "document_tokens": 16}
    task = prompted_task(None, method, backbone=backbone, **budget, **more)
    classifier = method.fit(task)
    assert np.isfinite(classifier.predict_logits(list(task.validation["text"])[:8])).all()
    assert classifier.facts["four_bit_modules"] == 7 * 30
    return classifier


def test_the_head_is_trained_in_bfloat16():
    assert trained(EmbeddingHead()).facts["steps"] == 1


def test_instruction_is_scored_by_tree_and_rounding_is_not_taken_for_a_fault():
    facts = trained(Instruction(), label_list="never").facts
    assert (facts["scoring"], facts["warnings"]) == ("tree", [])
    assert facts["tree_check"]["noise"] > 0.01
    assert facts["tree_check"]["float32_difference"] < 1e-3
