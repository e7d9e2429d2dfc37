"""Adapters sit on the seven projections, and what is saved comes back."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from benchbench.contract import BenchbenchError, GuardError
from benchbench.kit.training.lora import (
    LORA_PARAMETERS,
    adapter_outputs,
    adapter_tensors,
    attach,
    load_adapter,
    save_adapter,
    target_modules,
    trainable_parameters,
)
from tests.support.models import FAMILIES, load_model, write_model

LORA = {parameter.name: parameter.default for parameter in LORA_PARAMETERS}
SEVEN = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.mark.parametrize("layers", [1, 4], ids=["few-modules", "more-than-peft-lists"])
def test_an_adapter_comes_back_on_the_same_layers_with_the_same_numbers(tmp_path, layers):
    folder = write_model(tmp_path / "model", layers=layers)
    model = load_model(folder).model
    attach(model, {"rank": 4, "alpha": 8.0, "dropout": 0.0}, seed=0)
    for tensor in adapter_outputs(model):
        torch.nn.init.normal_(tensor)
    (tmp_path / "saved").mkdir()
    save_adapter(model, tmp_path / "saved")
    fresh = load_model(folder).model
    load_adapter(fresh, tmp_path / "saved")
    expected, loaded = adapter_tensors(model), adapter_tensors(fresh)
    assert len(loaded) == 14 * layers
    assert {name.split(".")[-3] for name in loaded} == SEVEN
    assert all(torch.equal(loaded[name], tensor) for name, tensor in expected.items())


def test_adapters_on_the_last_layers_leave_those_below_alone_and_come_back(tmp_path):
    folder = write_model(tmp_path / "model", layers=4)
    model, fresh = load_model(folder).model, load_model(folder).model
    attach(model, {**LORA, "adapter_layers": 3}, seed=0)
    learn(model)
    assert {name.split(".")[2] for name in adapter_tensors(model)} == {"1", "2", "3"}
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert not any(".layers.0." in name for name in trained)
    save_adapter(model, tmp_path)
    load_adapter(fresh, tmp_path)
    assert fresh.benchbench_adapter.adapter_layers == 3
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        assert torch.equal(model.eval()(ids).logits, fresh.eval()(ids).logits)


def test_an_adapter_from_before_layers_could_be_chosen_comes_back(folder, tmp_path):
    model, fresh = load_model(folder).model, load_model(folder).model
    attach(model, LORA, seed=0)
    learn(model)
    save_adapter(model, tmp_path)
    edit_json(tmp_path / "adapter.json", lambda data: data.pop("adapter_layers"))
    load_adapter(fresh, tmp_path)
    assert len(adapter_tensors(fresh)) == len(adapter_tensors(model))


def test_adapters_on_more_layers_than_there_are_is_said_in_one_line(folder):
    with pytest.raises(BenchbenchError, match="adapter_layers=3: the model has 2 layers"):
        attach(load_model(folder).model, {**LORA, "adapter_layers": 3}, seed=0)


def test_an_adapter_of_a_deeper_model_is_refused_with_the_file(folder, tmp_path):
    deep = load_model(write_model(tmp_path / "model", layers=4)).model
    attach(deep, {**LORA, "adapter_layers": 3}, seed=0)
    learn(deep)
    save_adapter(deep, tmp_path)
    with pytest.raises(GuardError, match=r"adapter\.json: adapter_layers=3: the model has 2"):
        load_adapter(load_model(folder).model, tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "llama")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_all_seven_projections_are_adapted_and_all_else_is_frozen(tmp_path, family, quantization):
    model = load_model(write_model(tmp_path / family, family=family), quantization).model
    attach(model, LORA, seed=0)
    layer = "model.layers.1."
    adapted = {name.rsplit(".", 1)[-1] for name in target_modules_before(model)}
    assert adapted == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained and all(".lora_" in name for name in trained)
    assert f"{layer}mlp.down_proj.lora_B.default.weight" in trained
    assert len(adapter_outputs(model)) == 14
    assert {tensor.dtype for tensor in adapter_tensors(model).values()} == {torch.float32}
    shapes = {"q": 64, "k": 48, "v": 48, "o": 64, "gate": 128, "up": 128, "down": 128}
    assert trainable_parameters(model) == 2 * 16 * sum(shapes.values())


def target_modules_before(model):
    return model.peft_config["default"].target_modules


def test_other_architectures_are_adapted_in_every_linear_layer_but_the_output_head():
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=50, n_positions=16)
    names = {name.rsplit(".", 1)[-1] for name in target_modules(GPT2LMHeadModel(config))}
    assert names == {"c_attn", "c_proj", "c_fc"}


def test_a_fresh_adapter_changes_no_answer_and_its_seed_decides_it(folder):
    ids = torch.arange(3, 40)[None]
    models = [load_model(folder).model for _ in range(3)]
    with torch.no_grad():
        before = models[0](ids).logits
    state = torch.get_rng_state()
    for model, seed in zip(models, (0, 0, 1), strict=True):
        attach(model, LORA, seed)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.no_grad():
        assert torch.equal(models[0](ids).logits, before)
    first, same, other = (next(iter(adapter_tensors(model).values())) for model in models)
    assert torch.equal(first, same) and not torch.equal(first, other)


def learn(model):
    with torch.no_grad():
        for number, tensor in enumerate(adapter_outputs(model)):
            tensor.fill_(0.01 * (number + 1))


def test_an_adapter_comes_back_on_a_fresh_model(folder, tmp_path):
    ids = torch.arange(3, 40)[None]
    model, fresh = load_model(folder, "nf4").model, load_model(folder, "nf4").model
    attach(model, LORA, seed=0)
    learn(model)
    save_adapter(model, tmp_path)
    load_adapter(fresh, tmp_path)
    with torch.no_grad():
        assert torch.equal(model.eval()(ids).logits, fresh.eval()(ids).logits)


def test_an_adapter_that_never_learned_is_not_saved(folder, tmp_path):
    model = load_model(folder).model
    with pytest.raises(GuardError, match="missing or was never trained"):
        save_adapter(model, tmp_path)
    attach(model, LORA, seed=0)
    with pytest.raises(GuardError, match="missing or was never trained"):
        save_adapter(model, tmp_path)


def drop_tensor(folder):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "adapter.safetensors")
    tensors.pop(sorted(tensors)[3])
    save_file(tensors, folder / "adapter.safetensors")


def edit_json(path, edit):
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def other_rank(folder):
    edit_json(folder / "adapter.json", lambda data: data.update(rank=4))


def drop_target(folder):
    edit_json(folder / "adapter.json", lambda data: data["targets"].pop())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_tensor, "1 tensors are missing"),
        (other_rank, r"is \(.*\), not"),
        (drop_target, r"adapter\.json: 1 tensors are missing"),
        (lambda folder: (folder / "adapter.json").unlink(), "cannot be read"),
    ],
    ids=["tensor-dropped", "other-rank", "layer-dropped", "no-settings"],
)
def test_a_damaged_adapter_is_refused(folder, tmp_path, damage, message):
    model = load_model(folder).model
    attach(model, LORA, seed=0)
    learn(model)
    save_adapter(model, tmp_path)
    damage(tmp_path)
    with pytest.raises(GuardError, match=message):
        load_adapter(load_model(folder).model, tmp_path)


def test_tied_parameters_are_counted_once():
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    second.weight = first.weight
    frozen = nn.Linear(4, 4).requires_grad_(False)
    assert trainable_parameters(first, second, frozen, first) == 16
