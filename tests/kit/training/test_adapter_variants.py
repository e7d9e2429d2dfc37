"""Every kind of adapter trains, is saved and comes back; a further one is a row of a table."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchbench.contract import BenchbenchError, GuardError, UnknownName
from benchbench.kit.training import lora
from benchbench.kit.training.adapter_variants import ADAPTERS, DEFAULT, AdapterVariant
from tests.support.models import load_model, toy_split, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "llama", toy_split(50)["text"])


def test_both_methods_that_train_adapters_offer_every_kind():
    from benchbench_finetune import benchbench_methods

    offered = {
        method.name: (parameter.default, parameter.choices)
        for method in benchbench_methods()
        for parameter in method.parameters
        if parameter.name == "adapter"
    }
    expected = (DEFAULT, tuple(ADAPTERS))
    assert offered == {"embedding-head": expected, "instruction": expected}
    assert DEFAULT == "lora"


def test_an_unknown_kind_is_refused_when_it_is_put_on_and_when_it_is_read(folder, tmp_path):
    params = {"rank": 4, "alpha": 8.0, "dropout": 0.0}
    with pytest.raises(UnknownName, match=r"unknown adapter 'lara'\. Did you mean 'lora'\?"):
        lora.attach(load_model(folder).model, params | {"adapter": "lara"}, seed=0)
    saved = params | {"adapter": "lara", "targets": []}
    (tmp_path / "adapter.json").write_text(json.dumps(saved))
    with pytest.raises(GuardError, match=r"adapter\.json: .*unknown adapter 'lara'"):
        lora.load_adapter(load_model(folder).model, tmp_path)


@pytest.mark.parametrize("key", ["adapter", "rank", "targets"])
def test_a_saved_adapter_that_does_not_say_what_it_is_is_refused(folder, tmp_path, key):
    saved = {"adapter": "lora", "rank": 4, "alpha": 8.0, "dropout": 0.0, "targets": []}
    saved.pop(key)
    (tmp_path / "adapter.json").write_text(json.dumps(saved))
    with pytest.raises(GuardError, match=rf"adapter\.json: .*'{key}'"):
        lora.load_adapter(load_model(folder).model, tmp_path)


def test_a_base_that_a_kind_cannot_be_put_on_is_refused_at_once(folder, monkeypatch):
    choosy = AdapterVariant("LoRA on whole and 4-bit weights", quantizations=("none", "nf4"))
    monkeypatch.setitem(ADAPTERS, "choosy", choosy)
    params = {"rank": 4, "alpha": 8.0, "dropout": 0.0, "adapter": "choosy"}
    for quantization in ("none", "nf4"):
        lora.attach(load_model(folder, quantization).model, params, seed=0)
    message = "adapter=choosy cannot be put on a backbone in int8: .* to none or nf4"
    with pytest.raises(BenchbenchError, match=message):
        lora.attach(load_model(folder, "int8").model, params, seed=0)


ADD_A_ROW = """
import sys
import numpy as np
from pathlib import Path
from benchbench.kit.training.adapter_variants import ADAPTERS, AdapterVariant

ADAPTERS["biased"] = AdapterVariant("LoRA with a bias behind B", {"lora_bias": True})

from benchbench.contract import resolve
from benchbench.kit.training.lora import adapter_tensors
from benchbench_finetune import benchbench_methods
from tests.support.models import bind_model, toy_task

model, scratch = map(Path, sys.argv[1:])
for method in benchbench_methods():
    if method.name not in ("embedding-head", "instruction"):
        continue
    given = {"adapter": "biased", "epochs": 1, "document_tokens": 32}
    values, faults = resolve(method.name, method.parameters, given)
    assert not faults
    backbone = bind_model(model, "nf4")
    classifier = method.fit(toy_task(method, backbone, documents=16, **values))
    logits = classifier.predict_logits(["pump", "lens"])
    classifier.save(scratch / method.name)
    again = method.load(scratch / method.name, backbone)
    loaded = again.embedder.loaded if method.name == "embedding-head" else again.loaded
    biases = [t for name, t in adapter_tensors(loaded.model).items() if name.endswith("B.bias")]
    assert len(biases) == 14 and all(bias.any() for bias in biases)
    assert np.abs(again.predict_logits(["pump", "lens"]) - logits).max() <= 1e-5
    print(method.name)
"""


def test_a_new_row_is_offered_trained_saved_and_loaded_by_both_methods(folder, tmp_path):
    script = [sys.executable, "-c", ADD_A_ROW, str(folder), str(tmp_path)]
    fitted = subprocess.run(script, check=True, capture_output=True, text=True).stdout.split()
    assert fitted == ["embedding-head", "instruction"]
