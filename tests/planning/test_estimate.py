"""What a plan says beforehand: counted against real models, and against what it must order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchbench_backbones.cards import CARDS
from benchbench_backbones.shapes import SHAPES, shape_of

from benchbench import Amount, Shape, Workload
from benchbench.machine.hardware import Device
from benchbench.planning.estimate import (
    Estimate,
    Machine,
    activation_bytes,
    adapter_parameters,
    estimate,
    fits,
    memory_bytes,
    operations,
    training_share,
)
from benchbench.planning.matrix_speed import matrix_rates, rate_for

SMALL = {
    "hidden_size": 128,
    "intermediate_size": 448,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 300,
}
CPU = Machine("cpu", "float32", 1e11)
GPU = Machine("cuda", "bfloat16", 4e14)
ADAPTERS = Workload("adapters", 512, 300, 300, 3, 8, 32, rank=16)
AMOUNT = Amount("single-label", {"train": 1000, "validation": 100, "test": 200}, 1200.0, 5)
EIGHT = SHAPES["llama-3.1-8b"]


def llama(layers, adapters):
    """A small Llama as it is trained: whole, or under adapters that drop out."""
    import torch
    import transformers

    from benchbench.kit.training.lora import attach

    torch.manual_seed(0)
    config = transformers.LlamaConfig(num_hidden_layers=layers, **SMALL, attn_implementation="sdpa")
    model = transformers.LlamaForCausalLM(config).train()
    if adapters:
        attach(model, {"rank": 16, "alpha": 32.0, "dropout": 0.05}, seed=0)
    return model


def kept_bytes(model):
    """The bytes that a forward pass over a padded batch of 8 x 64 keeps for the backward one."""
    import torch

    kept = []
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    tokens = torch.randint(0, 300, (8, 64))
    mask = torch.ones_like(tokens)
    mask[0, 40:] = 0

    def keep(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.model(input_ids=tokens, attention_mask=mask, use_cache=False)
    stores = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in kept}
    return sum(store.nbytes() for where, store in stores.items() if where not in weights)


@pytest.mark.parametrize("trains", ["adapters", "everything"])
def test_what_a_layer_keeps_is_what_autograd_keeps(trains):
    adapters = trains == "adapters"
    real = kept_bytes(llama(3, adapters)) - kept_bytes(llama(2, adapters))
    shape = shape_of({"num_hidden_layers": 1, **SMALL}, "causal-lm")
    work = replace(ADAPTERS, trains=trains)
    assert activation_bytes(shape, work, CPU) * 8 * 64 == pytest.approx(real, rel=0.05)


def test_adapters_and_weights_are_counted_as_the_model_has_them():
    shape = shape_of({"num_hidden_layers": 2, "tie_word_embeddings": False, **SMALL}, "causal-lm")
    plain, adapted = llama(2, False), llama(2, True)
    norms = sum(weight.numel() for name, weight in plain.named_parameters() if "norm" in name)
    assert shape.parameters == sum(weight.numel() for weight in plain.parameters()) - norms
    trained = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
    assert adapter_parameters(shape, ADAPTERS) == trained


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_shape_of_a_card_has_its_parameters(card):
    # norms and biases apart; encoders' counts are published as rounded, with positions and heads
    slack = 0.001 if card.kind == "causal-lm" else 0.04
    assert SHAPES[card.name].parameters == pytest.approx(card.parameters, rel=slack)


@pytest.mark.parametrize(
    "config",
    [{}, {"hidden_size": "wide"}, {**SMALL, "num_hidden_layers": None}, {"text_config": 3}],
)
def test_a_configuration_that_says_other_things_has_no_shape(config):
    assert shape_of(config, "causal-lm") is None


def test_memory_grows_with_what_is_kept_and_shrinks_with_what_is_not():
    def needed(quantization="nf4", machine=GPU, shape=EIGHT, **changes):
        return memory_bytes(shape, replace(ADAPTERS, **changes), quantization, machine)

    assert needed(checkpointing=True) < needed(checkpointing=False)
    assert needed(checkpointing="auto") == needed(checkpointing=True)
    assert needed(batch=16) > needed(batch=8)
    assert needed("nf4") < needed("int8") < needed("none")
    assert needed(trains="nothing") < needed() < needed("none", trains="everything")
    assert needed(supervised=5) > needed()
    # 4-bit weights, bfloat16 embeddings: 3.4 + 2.0 GiB that nothing can take away
    assert 5.3 * 2**30 < needed(trains="nothing", eval_batch=1, longest=1) < 5.5 * 2**30


def test_operations_follow_from_weights_tokens_and_passes():
    shape = Shape(1, 10, 20, 2, 2, 5, 100)
    reading = (3 + 1) * 100 + 200
    asked = 2 * shape.linear_parameters * 300
    assert operations(shape, ADAPTERS, AMOUNT, CPU) == asked * (3 * 1000 * 2 + reading)
    whole = replace(ADAPTERS, trains="everything")
    assert operations(shape, whole, AMOUNT, CPU) == asked * (3 * 1000 * 3 + reading)


def test_what_fits_is_what_leaves_room():
    assert fits(Estimate(20_000, 1.0), None)
    assert fits(Estimate(20_000, 1.0), 24_000)
    assert not fits(Estimate(23_900, 1.0), 24_000)


def test_twice_the_rate_is_half_the_time():
    slow = estimate(EIGHT, ADAPTERS, AMOUNT, "nf4", GPU)
    fast = estimate(EIGHT, ADAPTERS, AMOUNT, "nf4", replace(GPU, flops=2 * GPU.flops))
    assert fast.seconds == pytest.approx(slow.seconds / 2)
    assert fast.memory_mib == slow.memory_mib


def test_the_machine_is_measured_once(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("benchbench.planning.matrix_speed.SECONDS", 0.001)
    device = Device("cpu", "a processor", "float32")
    first = matrix_rates(device, 1)
    assert all(rate > 1e6 for rate in first.values())
    assert matrix_rates(device, 1) == first
    assert rate_for(100, first) == first[128]
    assert rate_for(3000, first) == first[4096]
    for kept in (tmp_path / "calibrations").iterdir():
        kept.write_text("junk")
    assert set(matrix_rates(device, 1)) == set(first)


def test_the_share_of_training_leaves_out_the_last_predictions():
    trained = 3 * 1000 * 300 * 4 + 3 * 100 * 300 * 2
    last = (100 + 200) * 300 * 2
    assert training_share(EIGHT, ADAPTERS, AMOUNT, CPU) == pytest.approx(trained / (trained + last))
    prompted = Workload("nothing", 512, 0, 300)
    assert training_share(EIGHT, prompted, AMOUNT, CPU) == pytest.approx(0.0)
