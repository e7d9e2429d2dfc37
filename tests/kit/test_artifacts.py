from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from benchbench import LabelSpace
from benchbench.contract.errors import Diverged, GuardError
from benchbench.kit.artifacts import (
    load_labels,
    load_settings,
    load_tensors,
    save_labels,
    save_settings,
    save_tensors,
)
from benchbench.kit.guards import check_labels
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

LABELS = LabelSpace(("a", "b", "ü"), ("an a", "a b", "an ü"), {"a": "root"})
LORA = {parameter.name: parameter.default for parameter in LORA_PARAMETERS}


def edit_json(path, edit):
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def test_labels_come_back_as_they_were(tmp_path):
    save_labels(tmp_path, LABELS)
    assert load_labels(tmp_path) == LABELS


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data["names"].reverse(),
        lambda data: data["texts"].reverse(),
        lambda data: data["names"].__setitem__(0, "A"),
        lambda data: data["names"].pop(),
        lambda data: data.pop("sha256"),
        lambda data: data.pop("names"),
    ],
    ids=["swapped", "texts-swapped", "renamed", "one-dropped", "no-digest", "no-names"],
)
def test_an_edited_list_of_labels_is_refused(tmp_path, edit):
    save_labels(tmp_path, LABELS)
    edit_json(tmp_path / "labels.json", edit)
    with pytest.raises(GuardError, match=r"labels\.json"):
        load_labels(tmp_path)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (LabelSpace(("a", "b", "c")), "not those it was trained with: c, ü"),
        (LabelSpace(("a", "b", "ü"), ("a b", "an a", "an ü")), "other texts or another order"),
    ],
    ids=["other-names", "swapped-texts"],
)
def test_other_labels_than_trained_with_are_refused(other, message):
    check_labels(LABELS, LABELS)
    with pytest.raises(GuardError, match=message):
        check_labels(LABELS, other)


def test_tensors_come_back_as_they_were(tmp_path):
    tensors = {"weight": torch.randn(2, 3).t(), "bias": torch.zeros(3)}
    save_tensors(tmp_path, "head", tensors)
    back = load_tensors(tmp_path, "head", tensors)
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"weight", "bias", "scale"}, "1 tensors are missing, e.g. 'scale'"),
        ({"weight"}, "1 tensors too many, e.g. 'bias'"),
    ],
    ids=["missing", "extra"],
)
def test_a_missing_or_an_extra_tensor_is_refused(tmp_path, expected, message):
    save_tensors(tmp_path, "head", {"weight": torch.ones(2), "bias": torch.ones(1)})
    with pytest.raises(GuardError, match=message):
        load_tensors(tmp_path, "head", expected)


def test_what_is_no_number_is_neither_saved_nor_loaded(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(Diverged):
        save_tensors(tmp_path, "head", {"weight": torch.tensor([math.inf])})
    save_file({"weight": torch.tensor([math.nan])}, tmp_path / "head.safetensors")
    with pytest.raises(Diverged):
        load_tensors(tmp_path, "head", {"weight"})


def test_nothing_is_not_saved(tmp_path):
    with pytest.raises(GuardError, match="nothing to save as 'head'"):
        save_tensors(tmp_path, "head", {})


@pytest.mark.parametrize("content", [None, b"", b"not tensors"], ids=["absent", "empty", "junk"])
def test_a_damaged_file_of_tensors_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "head.safetensors").write_bytes(content)
    with pytest.raises(GuardError, match="cannot be read"):
        load_tensors(tmp_path, "head", {"weight"})


def test_settings_come_back_and_a_damaged_file_is_refused(tmp_path):
    save_settings(tmp_path, {"pooling": "last", "document_tokens": 256})
    assert load_settings(tmp_path) == {"pooling": "last", "document_tokens": 256}
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(GuardError, match=r"settings\.json"):
        load_settings(tmp_path)


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
