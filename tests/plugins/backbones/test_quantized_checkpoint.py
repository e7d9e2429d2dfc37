"""A model that is read from the cells' cache is the one that was quantised, to the last bit."""

from __future__ import annotations

import resource
import shutil
import signal

import pytest
import torch
from benchbench_backbones import loading, quantized_checkpoint
from benchbench_backbones.pretrained_model import PretrainedModel

from benchbench.kit import cache
from benchbench.kit.file_cache import load_of_cell
from benchbench.kit.training import adapter_tensors, attach
from benchbench.machine import Stopwatch, WatchedBackbone
from benchbench.machine.stopwatch import watching
from tests.support.models import write_encoder, write_model

LORA = {"rank": 4, "alpha": 8.0, "dropout": 0.0}
IDS = torch.arange(3, 40)[None]


@pytest.fixture(autouse=True)
def every_model_is_large_enough(monkeypatch):
    monkeypatch.setattr(quantized_checkpoint, "LEAST_BYTES", 0)


@pytest.fixture
def quantized(monkeypatch):
    """How often a model was read and quantised from its checkpoint."""
    calls, plain = [], loading._load_model

    def counted(located, name, kind, target):
        if target.quantization != "none":
            calls.append(name)
        return plain(located, name, kind, target)

    monkeypatch.setattr(loading, "_load_model", counted)
    return calls


def load(folder, path, quantization="nf4", dtype="float32", weights=None):
    """Load as a cell does, with the cache in `path` or none."""
    backbone = PretrainedModel.from_folder(folder)
    params = {parameter.name: parameter.default for parameter in backbone.parameters}
    params["quantization"] = quantization
    weights = weights or backbone.identity(params, offline=True)
    with cache.enabled(path):
        watched = WatchedBackbone(backbone, weights, "origin", Stopwatch())
        return watched.load(params, device="cpu", dtype=dtype)


def entries(path):
    return list((path / "quantized").iterdir()) if (path / "quantized").exists() else []


def settings(model):
    """Return what a module is beside its weights."""
    names = ("training", "compute_dtype", "support_avx512bf16_for_cpu", "quant_state")
    return {
        name: (type(module), *(str(getattr(module, one, None)) for one in names[:3]))
        for name, module in model.named_modules()
    }


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("quantization", ["nf4", "int8"])
@pytest.mark.parametrize("family", ["llama", "gemma2", "qwen3"])
def test_a_kept_model_is_the_quantised_one(tmp_path, quantized, family, quantization, dtype):
    folder = write_model(tmp_path / "model", family=family)
    plain = load(folder, None, quantization, dtype)
    first = load(folder, tmp_path / "cache", quantization, dtype)
    kept = load(folder, tmp_path / "cache", quantization, dtype)
    assert len(quantized) == 2 and len(entries(tmp_path / "cache")) == 1
    for other in (first, kept):
        assert other.facts == plain.facts
        assert settings(other.model) == settings(plain.model)
        expected, state = plain.model.state_dict(), other.model.state_dict()
        assert list(state) == list(expected)
        for name, tensor in expected.items():
            assert state[name].dtype == tensor.dtype and torch.equal(state[name], tensor), name
        buffers = dict(plain.model.named_buffers())
        for name, buffer in other.model.named_buffers():
            assert torch.equal(buffer, buffers[name]), name
        for model in (plain.model, other.model):
            assert model.config.use_cache is False and not model.training
        with torch.no_grad():
            answers = [
                m.base_model(input_ids=IDS).last_hidden_state for m in (plain.model, other.model)
            ]
        assert torch.equal(*answers)


def gradients(model):
    attach(model, LORA, seed=0)
    for tensor in adapter_tensors(model).values():
        torch.nn.init.constant_(tensor, 0.02)
    model(input_ids=IDS).logits.sum().backward()
    return [tensor.grad for tensor in adapter_tensors(model).values()]


def test_it_is_trained_to_the_same_gradients(tmp_path):
    folder = write_model(tmp_path / "model")
    models = [load(folder, path).model for path in (None, tmp_path / "cache", tmp_path / "cache")]
    plain, first, kept = map(gradients, models)
    assert all(
        torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(plain, first, kept, strict=True)
    )


@pytest.mark.parametrize("other", [{"quantization": "int8"}, {"dtype": "bfloat16"}], ids=str)
def test_what_decides_the_model_is_in_its_name(tmp_path, quantized, other):
    folder = write_model(tmp_path / "model")
    load(folder, tmp_path / "cache")
    load(folder, tmp_path / "cache", **other)
    assert len(quantized) == 2 and len(entries(tmp_path / "cache")) == 2


def test_one_weight_changed_is_another_checkpoint(tmp_path, quantized):
    from safetensors.torch import load_file, save_file

    folder = write_model(tmp_path / "model")
    load(folder, tmp_path / "cache")
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][0] += 1
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    changed = load(folder, tmp_path / "cache")
    assert len(quantized) == 2
    assert changed.model.model.norm.weight[0] == tensors["model.norm.weight"][0]


def test_weights_that_changed_after_the_plan_are_not_kept_under_the_planned_ones(
    tmp_path, quantized
):
    folder = write_model(tmp_path / "model")
    load(folder, tmp_path / "cache", weights="of the plan")
    assert entries(tmp_path / "cache") == []
    load(folder, tmp_path / "cache", weights="of the plan")
    assert len(quantized) == 2


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_a_checkpoint_that_is_quantised_already_is_not_kept_again(
    tmp_path, quantized, quantization
):
    whole = load(write_model(tmp_path / "whole"), None, quantization)
    whole.model.save_pretrained(tmp_path / "stored")
    whole.tokenizer.save_pretrained(tmp_path / "stored")
    again = load(tmp_path / "stored", tmp_path / "cache", quantization)
    assert again.facts["stored_as"] == f"bitsandbytes {quantization}"
    assert entries(tmp_path / "cache") == []


def test_a_model_that_is_not_quantised_is_not_kept(tmp_path):
    load(write_model(tmp_path / "model"), tmp_path / "cache", "none")
    assert entries(tmp_path / "cache") == []


def test_an_encoder_is_not_kept(tmp_path):
    load(write_encoder(tmp_path / "model", ["a text of words"]), tmp_path / "cache")
    assert entries(tmp_path / "cache") == []


def test_a_small_model_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(quantized_checkpoint, "LEAST_BYTES", 10**7)
    load(write_model(tmp_path / "model"), tmp_path / "cache")
    assert entries(tmp_path / "cache") == []


def test_experts_that_are_one_parameter_stay_with_the_plain_way(tmp_path, quantized):
    folder = write_model(tmp_path / "model", family="gpt_oss")
    plain, first, again = (load(folder, path) for path in (None, tmp_path, tmp_path))
    assert entries(tmp_path) == [] and len(quantized) == 3
    assert plain.facts == first.facts == again.facts


def test_outside_of_a_cell_a_model_is_read_as_it_is(tmp_path, quantized):
    folder = write_model(tmp_path / "model")
    backbone = PretrainedModel.from_folder(folder)
    params = {parameter.name: parameter.default for parameter in backbone.parameters}
    with cache.enabled(tmp_path / "cache"):
        backbone.load(params, device="cpu", dtype="float32")
    assert load_of_cell() is None
    assert entries(tmp_path / "cache") == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "model.safetensors").write_bytes(b"junk"),
        lambda entry: (entry / "config.json").unlink(),
        lambda entry: (entry / "origin.json").write_bytes(b"{}"),
        shutil.rmtree,
    ],
    ids=["weights", "no configuration", "origin", "gone"],
)
def test_a_damaged_entry_is_made_again(tmp_path, quantized, damage):
    folder = write_model(tmp_path / "model")
    load(folder, tmp_path / "cache")
    [entry] = entries(tmp_path / "cache")
    damage(entry)
    again, kept = load(folder, tmp_path / "cache"), load(folder, tmp_path / "cache")
    assert len(quantized) == 2
    assert again.facts == kept.facts


@pytest.fixture
def small_files():
    """Let no file of this process grow beyond 64 KiB: safetensors reports that in its own way."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    usual = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, usual)


def test_a_disk_that_is_full_costs_no_model(tmp_path, quantized, request):
    folder = write_model(tmp_path / "model")
    request.getfixturevalue("small_files")
    models = [load(folder, tmp_path / "cache").model for _ in range(2)]
    assert len(quantized) == 2 and entries(tmp_path / "cache") == []
    with torch.no_grad():
        assert torch.equal(*(model(input_ids=IDS).logits for model in models))


@pytest.mark.parametrize("error", [OSError("no such file"), ValueError("another version")], ids=str)
def test_a_kept_model_that_cannot_be_read_is_made_again(tmp_path, quantized, monkeypatch, error):
    folder = write_model(tmp_path / "model")
    load(folder, tmp_path / "cache")
    restored = quantized_checkpoint._restored

    def unreadable(folder, restore):
        monkeypatch.setattr(quantized_checkpoint, "_restored", restored)
        raise error

    monkeypatch.setattr(quantized_checkpoint, "_restored", unreadable)
    load(folder, tmp_path / "cache")
    assert len(quantized) == 2 and len(entries(tmp_path / "cache")) == 1
    load(folder, tmp_path / "cache")
    assert len(quantized) == 2


def test_a_model_that_is_read_from_the_cache_costs_what_it_took(tmp_path):
    folder, watch = write_model(tmp_path / "model"), Stopwatch()
    load(folder, tmp_path / "cache")
    with watching(watch), watch.stage("load"):
        load(folder, tmp_path / "cache")
    assert watch.hits == 1 and watch.credited > 0


def test_a_kept_model_outlives_its_files(tmp_path):
    folder = write_model(tmp_path / "model")
    load(folder, tmp_path / "cache")
    kept = load(folder, tmp_path / "cache").model
    shutil.rmtree(tmp_path / "cache")
    with torch.no_grad():
        assert kept(input_ids=IDS).logits.isfinite().all()
