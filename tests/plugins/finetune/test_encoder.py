"""The method `encoder`: every weight of a BERT is trained, saved and found again."""

from __future__ import annotations

import pytest
import torch
from benchbench_backbones.pretrained_model import PretrainedModel
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.encoder import Encoder, auto_learning_rate

from benchbench import BenchbenchError, GuardError, Method
from benchbench.kit.batching import framing_tokens
from tests.support.models import (
    ENCODER_CLASSES,
    bind_model,
    load_model,
    share_of_right_decisions,
    toy_split,
    toy_task,
    write_encoder,
)
from tests.support.models import write_model as write_causal

QUICK = {"epochs": 8, "batch_size": 8, "learning_rate": 2e-3, "patience": 0}
KINDS = ["single-label", "multi-label"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home, texts = tmp_path_factory.mktemp("encoders"), toy_split(50)["text"]
    return {name: write_encoder(home / name, texts, family=name) for name in ENCODER_CLASSES}


def fit(folder, kind="single-label", quantization="none", **params):
    method = Encoder()
    backbone = bind_model(folder, quantization)
    return method.fit(toy_task(method, backbone, kind=kind, **QUICK | params))


def test_it_is_a_method():
    assert isinstance(Encoder(), Method)


@pytest.mark.parametrize("family", ENCODER_CLASSES)
def test_a_folder_says_itself_that_it_holds_an_encoder(folders, family):
    backbone = PretrainedModel.from_folder(folders[family])
    assert (backbone.kind, backbone.family) == ("encoder", family)
    assert {p.name: p.default for p in backbone.parameters}["quantization"] == "none"


@pytest.mark.parametrize("family", ENCODER_CLASSES)
def test_a_masked_lm_loads_without_random_weights(folders, family):
    from safetensors.torch import load_file

    loaded = load_model(folders[family])
    stored = load_file(folders[family] / "model.safetensors")
    for name, weight in loaded.model.named_parameters():
        (expected,) = [tensor for key, tensor in stored.items() if key.endswith(f".{name}")]
        assert torch.equal(weight, expected), name
    assert loaded.facts["context"] == 64
    assert loaded.facts["kind"] == "encoder"


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns(folders, kind):
    classifier = fit(folders["bert"], kind)
    assert share_of_right_decisions(classifier, kind) > 0.9


def test_every_weight_is_trained_in_float32_and_counted(folders):
    before = load_model(folders["bert"]).model.state_dict()
    classifier = fit(folders["bert"], epochs=1)
    model = classifier.embedder.loaded.model
    used = {name for name, weight in model.named_parameters() if weight.grad is not None}
    for name, weight in model.state_dict().items():
        assert weight.dtype in (torch.float32, torch.long)
        if name in used and "word_embeddings" not in name and "key.bias" not in name:
            assert not torch.equal(weight, before[name]), name
    total = sum(p.numel() for p in (*model.parameters(), *classifier.head.parameters()))
    assert classifier.facts["trainable_parameters"] == classifier.facts["total_parameters"] == total


@pytest.mark.parametrize("family", ENCODER_CLASSES)
@pytest.mark.parametrize("pooling", ["first", "mean", "max"])
def test_a_vector_does_not_depend_on_its_company(folders, family, pooling):
    embedder = DocumentEmbedder(load_model(folders[family]), pooling, 60)
    documents, _ = embedder.tokenize(["pump", "valve water pressure light lens", ""])
    with torch.no_grad():
        together = embedder.embed(documents)
        alone = torch.cat([embedder.embed([document]) for document in documents])
    assert torch.allclose(together, alone, atol=1e-5)


def test_documents_keep_their_frame_when_they_are_cut(folders):
    loaded = load_model(folders["roberta"])
    embedder = DocumentEmbedder(loaded, "first", 500)
    (short, long, empty), truncated = embedder.tokenize(["pump", "pump valve " * 99, ""])
    assert framing_tokens(loaded.tokenizer) == ([0], [2])
    assert (short[0], short[-1], long[0], long[-1], empty) == (0, 2, 0, 2, [0, 2])
    assert len(long) == 64
    assert truncated == [False, True, False]
    with torch.no_grad():
        assert embedder.embed([long]).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_classifier_answers_alike(folders, tmp_path, kind):
    classifier = fit(folders["modernbert"], kind, epochs=2, head="mlp", pooling="mean")
    texts = toy_split(20, seed=3)["text"]
    expected = classifier.predict_logits(texts)
    classifier.save(tmp_path)
    again = Encoder().load(tmp_path, bind_model(folders["modernbert"]))
    assert abs(again.predict_logits(texts) - expected).max() < 1e-6


def test_a_damaged_folder_is_refused(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    fit(folders["bert"], epochs=1).save(tmp_path)
    tensors = load_file(tmp_path / "encoder.safetensors")
    tensors.pop(next(iter(tensors)))
    save_file(tensors, tmp_path / "encoder.safetensors")
    with pytest.raises(GuardError, match="1 tensors are missing"):
        Encoder().load(tmp_path, bind_model(folders["bert"]))


def test_equal_seeds_give_equal_logits(folders):
    texts = toy_split(20, seed=3)["text"]
    first, second = (fit(folders["bert"], epochs=1).predict_logits(texts) for _ in range(2))
    assert (first == second).all()


def test_a_quantised_encoder_is_refused(folders):
    with pytest.raises(BenchbenchError, match="leave the backbone's quantization at none"):
        fit(folders["bert"], quantization="nf4")


def test_the_rate_is_bert_s_at_its_width_and_capped():
    assert auto_learning_rate(768) == pytest.approx(5e-5)
    assert auto_learning_rate(1024) == pytest.approx(3.75e-5)
    assert auto_learning_rate(8) == 1e-3


def test_the_cards_name_licences():
    from benchbench_backbones.cards import CARDS

    encoders = {card.name: card for card in CARDS if card.kind == "encoder"}
    assert encoders["patentbert"].licence == "gpl-3.0"
    assert "licence apache-2.0" in encoders["bert-for-patents"].description
    assert "licence unconfirmed" in encoders["patentsberta"].description


def test_kinds_of_backbones_are_not_mixed_up(folders, tmp_path):
    causal = PretrainedModel.from_folder(write_causal(tmp_path / "llama", ["a"]))
    assert causal.kind in EmbeddingHead.backbone_kinds
    assert causal.kind not in Encoder.backbone_kinds
    assert PretrainedModel.from_hub("answerdotai/ModernBERT-base").kind == "encoder"
    assert PretrainedModel.from_hub("some/thing").kind == "causal-lm"
