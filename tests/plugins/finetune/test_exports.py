"""What is exported computes the same scores in a process that does not know benchbench."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.encoder import Encoder
from benchbench_finetune.frozen_embedding import FrozenEmbedding
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.zero_shot import ZeroShot

from benchbench import Address, BenchbenchError, Exportable, ExportTarget
from benchbench.kit.training import merged_model
from tests.support.exports import answers_of, export
from tests.support.models import (
    bind_model,
    load_model,
    toy_split,
    toy_task,
    write_encoder,
    write_model,
)
from tests.support.prompted import prompted_task

QUICK = {"epochs": 3, "batch_size": 8, "learning_rate": 5e-3, "patience": 0}
LORA = {**QUICK, "rank": 4}
TEXTS = [
    "pump valve pump water pressure",
    "light lens",
    "the engine gear </s> <s> wheel",
    "brake " * 200,
    "camera",
]
HEADS = {
    "head": ("llama", "nf4", {}),
    "head with dora": ("llama", "nf4", {"adapter": "dora"}),
    "head with rslora on the last layer": ("llama", "nf4", {"adapter": "rslora",
                                                            "adapter_layers": 1}),
    "head of two layers on the mean": ("llama", "none", {"head": "mlp", "pooling": "mean"}),
    "head on gpt2": ("gpt2", "none", {"pooling": "max"}),
}  # fmt: skip
PROMPTS = {
    "texts of labels": (False, {}),
    "codes of labels": (False, {"verbalizer": "code"}),
    "questions": (True, {"multi_label": "yes-no", "negatives": 1}),
    "lists": (True, {"multi_label": "list"}),
}
ENCODERS = {"bert": {}, "roberta": {}, "mpnet": {}, "modernbert": {"pooling": "mean"}}
MERGED = ("head", "head with dora", "head on gpt2", "texts of labels")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home, texts = tmp_path_factory.mktemp("bases"), toy_split(50)["text"]
    models = {name: write_model(home / name, texts, family=name, context=96)
              for name in ("llama", "gpt2")}  # fmt: skip
    return models | {name: write_encoder(home / name, texts, family=name) for name in ENCODERS}


@pytest.fixture(scope="module")
def fitted(folders, prompted_model):
    """Every classifier, with the backbone that it was trained on."""

    def of(method, folder, quantization="none", task=toy_task, **params):
        backbone = bind_model(folder, quantization)
        if task is toy_task:
            return method.fit(toy_task(method, backbone, **params)), backbone
        return method.fit(prompted_task(folder, method, backbone=backbone, **params)), backbone

    made = {
        name: of(EmbeddingHead(), folders[family], quantization, **LORA | params)
        for name, (family, quantization, params) in HEADS.items()
    }
    for name, (multi, params) in PROMPTS.items():
        made[name] = of(Instruction(), prompted_model, "nf4", prompted_task, multi=multi,
                        **LORA | params)  # fmt: skip
    made["zero-shot"] = of(ZeroShot(), prompted_model, "none", prompted_task)
    for name, params in ENCODERS.items():
        made[name] = of(Encoder(), folders[name], **QUICK | params)
    made["frozen llama"] = of(FrozenEmbedding(), folders["llama"], "nf4")
    made["frozen bert"] = of(FrozenEmbedding(), folders["bert"], kind="multi-label")
    return made


@pytest.fixture(scope="module")
def answered(fitted, tmp_path_factory):
    """(the scores here, those of the other process, the folders) of every case."""
    home = tmp_path_factory.mktemp("exports")
    here, cases = {}, {}
    for name, (classifier, backbone) in fitted.items():
        here[name] = classifier.predict_logits(TEXTS)
        for merge in (False, True) if name in MERGED else (False,):
            case = f"{name}, merged" if merge else name
            exported = export(classifier, home / case, backbone, merge=merge)
            base = backbone.backbone.source.path if exported.base else None
            cases[case] = (home / case, base)
    answers, ours = answers_of(cases, TEXTS)
    assert ours == []
    return here, answers, {case: folder for case, (folder, _) in cases.items()}


def test_every_classifier_of_a_model_can_be_exported(fitted):
    assert all(isinstance(classifier, Exportable) for classifier, _ in fitted.values())


def test_the_scores_are_those_of_the_board(answered):
    here, answers, _ = answered
    for name, logits in here.items():
        theirs = np.array(answers[name][0])
        np.testing.assert_allclose(theirs, logits, atol=2e-3 * np.ptp(logits), err_msg=name)
        assert np.ptp(logits) > 0.01, f"{name}: a constant would agree, too"


def test_merged_weights_move_scores_by_little(answered):
    here, answers, folders = answered
    for name in MERGED:
        merged = np.array(answers[f"{name}, merged"][0])
        assert 0 < abs(merged - here[name]).max() < 0.1 * np.ptp(here[name]), name
        names = {path.name for path in folders[f"{name}, merged"].iterdir()}
        assert "model.safetensors" in names
        assert not any("adapter" in file for file in names)


def test_the_rule_is_applied_to_the_scores(answered):
    _, answers, folders = answered
    for case, (logits, predictions) in answers.items():
        rule = json.loads((folders[case] / "labels.json").read_text())
        names, several = rule["labels"], rule["kind"] == "multi-label"
        for scores, (labels, shares) in zip(np.array(logits), predictions, strict=True):
            best = [names[place] for place in np.argsort(-scores, kind="stable")]
            given = sum(scores > 0) if several else 1
            assert labels == best[:given]
            powers = np.exp(scores / 2)
            expected = powers / (1 + powers) if several else powers / powers.sum()
            assert [shares[name] for name in names] == pytest.approx(expected)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_transformers_alone_classifies_with_an_encoder_that_has_a_class(answered, family):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    here, _, folders = answered
    model = AutoModelForSequenceClassification.from_pretrained(folders[family]).eval()
    tokenizer = AutoTokenizer.from_pretrained(folders[family])
    assert model.config.id2label == {0: "fluids", 1: "optics", 2: "vehicles"}
    assert model.config.problem_type == "single_label_classification"
    rows = tokenizer(TEXTS[:2], padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(input_ids=rows["input_ids"], attention_mask=rows["attention_mask"]).logits
    np.testing.assert_allclose(logits.numpy(), here[family][:2], atol=1e-3)


def test_no_path_of_this_machine_and_no_pickle_is_in_an_export(answered, folders):
    _, _, exports = answered
    home = str(folders["llama"].parent.parent)
    for folder in exports.values():
        for path in folder.iterdir():
            assert home.encode() not in path.read_bytes(), path
            assert path.suffix in (".json", ".jinja", ".py", ".safetensors", ".txt"), path


def test_peft_reads_the_adapter(answered, folders):
    from peft import PeftModel
    from transformers import AutoModel

    _, _, exports = answered
    for name in ("head", "head with dora", "head with rslora on the last layer"):
        model = AutoModel.from_pretrained(folders["llama"])
        adapted = PeftModel.from_pretrained(model, exports[name])
        stored = {key for key in adapted.state_dict() if ".lora_B." in key}
        assert len(stored) == (7 if "last layer" in name else 14)
        assert all(adapted.state_dict()[key].any() for key in stored)


def test_a_base_that_transformers_cannot_find_again_asks_for_merged_weights(fitted, tmp_path):
    classifier, _ = fitted["head"]
    with pytest.raises(BenchbenchError, match="--merge"):
        classifier.export(ExportTarget(tmp_path, Address(hub_id="org/model"), merge=False))


def test_eight_bits_cannot_be_merged(folders):
    with pytest.raises(BenchbenchError, match="8-bit"):
        merged_model(load_model(folders["llama"], "int8").model)


def test_a_loader_without_the_base_says_what_to_name(fitted, answered):
    import subprocess
    import sys

    _, _, folders = answered
    command = [sys.executable, str(folders["head"] / "classifier.py"), "-"]
    done = subprocess.run(command, input="a pump\n", capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("name its folder with --base")
