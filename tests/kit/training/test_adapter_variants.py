"""Every kind of adapter trains, is saved and comes back; a further one is a row of a table."""

from __future__ import annotations

import json
import math

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit

from benchbench.contract import BenchbenchError, GuardError, HeadFrozen, UnknownName
from benchbench.kit.training import lora, lora_linear
from benchbench.kit.training.adapter_variants import ADAPTERS, DEFAULT, AdapterVariant
from benchbench.testing import check_method
from tests.support.changed_source import run_with_changed_file
from tests.support.models import bind_model, load_model, toy_split, toy_task, write_model


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


def adapted(folder, adapter, quantization="none", rank=4, dropout=0.0):
    """Return a model whose adapters do something, magnitudes included."""
    params = {"rank": rank, "alpha": 8.0, "dropout": dropout, "adapter": adapter}
    model = load_model(folder, quantization).model
    lora.attach(model, params, seed=0)
    generator = torch.Generator().manual_seed(1)
    for name, tensor in lora.adapter_tensors(model).items():
        if ".lora_A." not in name:
            tensor.data.add_(0.1 * torch.randn(tensor.shape, generator=generator))
    return model


def layers_of(model):
    return {n: layer for n, layer in model.named_modules() if hasattr(layer, "lora_A")}


def by_its_formula(layer, adapter, x, rank=4, alpha=8.0):
    """Compute a layer from its tensors alone, as the papers have it."""
    base = layer.base_layer
    weight = base.weight
    if base.weight.dtype == torch.uint8:
        weight = dequantize_4bit(base.weight.data.view(-1, 1), base.weight.quant_state)
    scale = alpha / (math.sqrt(rank) if adapter == "rslora" else rank)
    changed = weight + scale * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    if adapter == "dora":
        length = layer.lora_magnitude_vector["default"].weight
        changed = length[:, None] * changed / changed.norm(dim=1, keepdim=True)
    return x @ changed.T + (0 if base.bias is None else base.bias)


def assert_by_its_formula(model, adapter):
    generator = torch.Generator().manual_seed(2)
    for name, layer in layers_of(model).items():
        x = torch.randn(2, 5, layer.in_features, generator=generator)
        for training in (True, False):  # the two take different paths where they are fused
            with torch.set_grad_enabled(training):
                result = layer.train(training)(x)
            assert torch.allclose(result, by_its_formula(layer, adapter, x), atol=1e-5), name


@pytest.mark.parametrize("family", ["llama", "qwen2"], ids=["plain", "with-biases"])
@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_layer_computes_what_the_paper_says(tmp_path, adapter, quantization, family):
    folder = write_model(tmp_path / family, family=family)
    assert_by_its_formula(adapted(folder, adapter, quantization), adapter)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_fresh_adapter_changes_no_answer(folder, adapter):
    ids = torch.arange(3, 40)[None]
    model = load_model(folder).model
    with torch.no_grad():
        before = model(ids).logits
        lora.attach(model, {"rank": 4, "alpha": 8.0, "dropout": 0.0, "adapter": adapter}, seed=0)
        assert torch.allclose(model(ids).logits, before, atol=1e-5)


def test_the_fused_path_would_be_caught_on_an_adapter_that_it_does_not_compute(folder, monkeypatch):
    """Planted: every layer is taken for plain LoRA."""
    monkeypatch.setattr(lora_linear, "_is_plain", lambda layer: True)
    assert_by_its_formula(adapted(folder, "lora"), "lora")
    with pytest.raises(AssertionError):
        assert_by_its_formula(adapted(folder, "dora"), "dora")


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_wrong_scale_would_be_caught(folder, adapter):
    model = adapted(folder, adapter)
    for layer in layers_of(model).values():
        layer.scaling["default"] *= 1.01
    with pytest.raises(AssertionError):
        assert_by_its_formula(model, adapter)


def test_lora_and_rslora_are_fused_on_a_cpu_and_dora_is_not(folder):
    fused = {
        adapter: sum("forward" in vars(layer) for layer in layers_of(model).values())
        for adapter in ADAPTERS
        for model in [adapted(folder, adapter, "nf4")]
    }
    assert fused == {"lora": 14, "dora": 0, "rslora": 14}


def test_rslora_scales_by_the_root_of_the_rank_and_is_lora_otherwise(folder):
    models = {name: adapted(folder, name, rank=16) for name in ("lora", "rslora")}
    scales = {name: layers_of(model) for name, model in models.items()}
    assert {layer.scaling["default"] for layer in scales["lora"].values()} == {8 / 16}
    assert {layer.scaling["default"] for layer in scales["rslora"].values()} == {8 / 4}
    tensors = [lora.adapter_tensors(model) for model in models.values()]
    assert all(torch.equal(tensors[1][name], tensor) for name, tensor in tensors[0].items())


def test_dora_trains_a_magnitude_per_output_more_than_lora(folder):
    counts = {name: lora.trainable_parameters(adapted(folder, name)) for name in ADAPTERS}
    outputs = sum(layer.out_features for layer in layers_of(adapted(folder, "dora")).values())
    assert counts == {
        "lora": counts["lora"],
        "rslora": counts["lora"],
        "dora": counts["lora"] + outputs,
    }


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_comes_back_exactly_and_says_itself_what_it_is(
    folder, tmp_path, adapter, quantization
):
    model = adapted(folder, adapter, quantization)
    lora.save_adapter(model, tmp_path)
    assert json.loads((tmp_path / "adapter.json").read_text())["adapter"] == adapter
    fresh = load_model(folder, quantization).model
    lora.load_adapter(fresh, tmp_path)
    expected, loaded = lora.adapter_tensors(model), lora.adapter_tensors(fresh)
    assert expected.keys() == loaded.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in expected.items())
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        assert torch.equal(fresh.eval()(ids).logits, model.eval()(ids).logits)


@pytest.mark.parametrize(("saved", "read"), [("dora", "lora"), ("lora", "dora")])
def test_an_adapter_that_calls_itself_another_kind_is_refused(folder, tmp_path, saved, read):
    lora.save_adapter(adapted(folder, saved), tmp_path)
    path = tmp_path / "adapter.json"
    path.write_text(path.read_text().replace(f'"{saved}"', f'"{read}"'))
    with pytest.raises(GuardError, match=r"tensors (too many|are missing)"):
        lora.load_adapter(load_model(folder).model, tmp_path)


@pytest.mark.parametrize(
    ("kind", "adapter"),
    [("single-label", "dora"), ("single-label", "rslora"), ("multi-label", "dora")],
)
@pytest.mark.parametrize("name", ["embedding-head", "instruction"])
def test_a_method_trains_saves_and_loads_every_kind(folder, name, kind, adapter):
    from benchbench_finetune import benchbench_methods

    (method,) = (method for method in benchbench_methods() if method.name == name)
    params = {"adapter": adapter, "epochs": 2, "learning_rate": 5e-3, "document_tokens": 32}
    check_method(method, kind=kind, backbone=bind_model(folder, "nf4"), params=params)


def test_a_method_counts_the_magnitudes_that_it_trains(folder):
    from benchbench_finetune.embedding_head import EmbeddingHead

    facts = {}
    for adapter in ("lora", "dora"):
        params = {"adapter": adapter, "epochs": 1, "gradient_checkpointing": True}
        task = toy_task(EmbeddingHead(), bind_model(folder, "nf4"), documents=16, **params)
        facts[adapter] = EmbeddingHead().fit(task).facts
    for name in ("trainable_parameters", "total_parameters"):
        assert facts["dora"][name] - facts["lora"][name] == 2 * (32 + 16 + 16 + 32 + 96 + 96 + 32)


@pytest.mark.parametrize("cut", [False, True], ids=["frozen", "cut-off"])
def test_magnitudes_that_are_not_trained_are_caught(folder, monkeypatch, cut):
    """Planted: nothing tells them to change, though the matrices do."""
    from benchbench_finetune import embedding_head

    def attach(model, params, seed):
        lora.attach(model, params, seed)
        for layer in layers_of(model).values():
            weight = layer.lora_magnitude_vector["default"].weight
            if cut:
                weight.register_hook(torch.zeros_like)
            else:
                weight.requires_grad_(False)

    monkeypatch.setattr(embedding_head, "attach", attach)
    method = embedding_head.EmbeddingHead()
    task = toy_task(method, bind_model(folder), documents=16, adapter="dora", epochs=1)
    with pytest.raises(HeadFrozen, match="adapter's magnitude_vector"):
        method.fit(task)


def test_dora_drops_numbers_in_training_alone(folder):
    model = adapted(folder, "dora", "nf4", dropout=0.5)
    layer, x = next(iter(layers_of(model).values())), torch.ones(1, 3, 32)
    with torch.no_grad():
        assert not torch.equal(layer.train()(x), layer(x))
        assert torch.equal(layer.eval()(x), layer(x))


@pytest.mark.parametrize("adapter", ["lora", "rslora"])
def test_adapters_on_int8_weights_come_back_as_well(folder, tmp_path, adapter):
    model = adapted(folder, adapter, "int8")
    lora.save_adapter(model, tmp_path)
    fresh = load_model(folder, "int8").model
    lora.load_adapter(fresh, tmp_path)
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        assert torch.allclose(fresh.eval()(ids).logits, model.eval()(ids).logits, atol=1e-5)


def test_dora_is_refused_on_int8_weights(folder):
    with pytest.raises(BenchbenchError, match="adapter=dora cannot be put on a backbone in int8"):
        adapted(folder, "dora", "int8")


def test_a_base_that_a_kind_cannot_be_put_on_is_refused_at_once(folder, monkeypatch):
    choosy = AdapterVariant("LoRA on whole and 4-bit weights", quantizations=("none", "nf4"))
    monkeypatch.setitem(ADAPTERS, "choosy", choosy)
    params = {"rank": 4, "alpha": 8.0, "dropout": 0.0, "adapter": "choosy"}
    for quantization in ("none", "nf4"):
        lora.attach(load_model(folder, quantization).model, params, seed=0)
    message = "adapter=choosy cannot be put on a backbone in int8: .* to none or nf4"
    with pytest.raises(BenchbenchError, match=message):
        lora.attach(load_model(folder, "int8").model, params, seed=0)


FIRST_ROW = '    "lora": AdapterVariant('
NEW_ROW = '    "biased": AdapterVariant("LoRA with a bias behind B", {"lora_bias": True}),\n'
USE_IT = """
import sys
import numpy as np
from pathlib import Path
from benchbench.contract import resolve
from benchbench.kit.training import adapter_tensors
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


def test_a_further_kind_of_adapter_is_a_row_of_one_file(folder, tmp_path):
    (tmp_path / "saved").mkdir()
    file = "benchbench/kit/training/adapter_variants.py"
    change = (file, FIRST_ROW, NEW_ROW + FIRST_ROW)
    printed = run_with_changed_file(
        tmp_path / "source", *change, USE_IT, folder, tmp_path / "saved"
    )
    assert printed.split() == ["embedding-head", "instruction"]
