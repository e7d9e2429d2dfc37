"""The memory of a plan: counted against real models, and ordered as it must be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchbench_backbones.shapes import SHAPES
from hypothesis import given
from hypothesis import strategies as st

from benchbench.kit.model_shape import shape_of
from benchbench.planning.memory_need import (
    PROCESS_MIB,
    RESERVED_MIB,
    Machine,
    adapter_parameters,
    checkpointed,
    memory_bytes,
    rows_at_once,
    tokens_at_once,
)
from tests.support.models import write_model
from tests.support.planned_work import ADAPTERS, CPU, EIGHT, GPU, SMOLLM2


def needed(quantization="nf4", machine=GPU, shape=EIGHT, **changes):
    return memory_bytes(shape, replace(ADAPTERS, **changes), quantization, machine)


@pytest.mark.parametrize("layers", ["all", 1])
@pytest.mark.parametrize("adapter", ["lora", "dora"])
def test_adapters_and_weights_are_counted_as_the_model_has_them(tmp_path, adapter, layers):
    import json

    from transformers import AutoModelForCausalLM

    from benchbench.kit.training.lora import attach

    folder = write_model(tmp_path / "model", family="llama")
    shape = shape_of(json.loads((folder / "config.json").read_text()), "causal-lm")
    model = AutoModelForCausalLM.from_pretrained(folder)
    norms = sum(weight.numel() for name, weight in model.named_parameters() if "norm" in name)
    assert shape.parameters == sum(weight.numel() for weight in model.parameters()) - norms
    kind = {"adapter": adapter, "adapter_layers": layers}
    attach(model, {"rank": 4, "alpha": 8.0, "dropout": 0.0, **kind}, seed=0)
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert adapter_parameters(shape, replace(ADAPTERS, rank=4, **kind)) == trained


def test_memory_grows_with_what_is_kept_and_shrinks_with_what_is_not():
    assert needed(checkpointing=True) < needed(checkpointing=False)
    assert needed(checkpointing="auto") == needed(checkpointing=True)
    assert needed(batch=16) > needed(batch=8)
    assert needed("nf4") < needed("int8") < needed("none")
    assert needed(trains="nothing") < needed() < needed("none", trains="everything")
    assert needed(supervised=5) > needed()
    assert needed(shared_tokens=2000.0) > needed()
    assert needed(adapter="dora") > needed()
    assert needed(adapter_layers=4) < needed(adapter_layers=8) < needed(adapter_layers=32)
    assert needed(adapter_layers=32) == needed()
    # 4-bit weights, bfloat16 embeddings: 3.4 + 2.0 GiB that nothing can take away
    assert 5.3 * 2**30 < needed(trains="nothing", eval_batch=1, longest=1) < 5.5 * 2**30


def test_a_prediction_batch_can_be_the_peak():
    little = {"batch": 1, "longest": 64, "scored": 400, "branch_tokens": 400.0}
    few, many = (needed(eval_batch=rows, **little) for rows in (1, 256))
    assert many > few
    # keys and values of 256 prompts of 64 tokens, in 32 layers with 8 heads of 128
    assert many - few > 0.9 * 2 * 255 * 64 * 32 * 8 * 128 * 2


@given(
    batch=st.integers(1, 64),
    longest=st.integers(1, 2000),
    most=st.none() | st.just("auto") | st.integers(1, 50_000),
)
def test_a_step_computes_no_more_at_once_than_it_may_and_one_document_at_least(
    batch, longest, most
):
    work = replace(ADAPTERS, batch=batch, longest=longest, micro_tokens=most)
    for machine in (CPU, GPU):
        rows = rows_at_once(work, machine, longest)
        assert 1 <= rows <= batch
        assert tokens_at_once(work, machine) == pytest.approx(rows * longest)
        if isinstance(most, int):
            assert rows * longest <= max(longest, most) * (1 + 1e-9)
        if most is None or (most == "auto" and machine is GPU):
            assert rows == batch


def test_less_at_once_is_less_memory_on_a_cpu_and_auto_leaves_a_gpu_its_batch():
    assert needed(machine=CPU, micro_tokens=512) < needed(machine=CPU, micro_tokens=None)
    assert needed(machine=CPU, micro_tokens="auto") < needed(machine=CPU, micro_tokens=None)
    assert needed(micro_tokens="auto") == needed(micro_tokens=None)


@pytest.mark.parametrize(
    ("name", "gib", "on"),
    [
        pytest.param("llama-3.1-8b", 24, True, id="a large model, a small card"),
        pytest.param("llama-3.1-8b", 80, False, id="a large model, a large card"),
        pytest.param("llama-3.2-1b", 24, False, id="a small model"),
    ],
)
def test_layers_are_computed_again_where_the_card_would_be_too_small(name, gib, on):
    machine = replace(GPU, memory_mib=gib * 1024)
    work = replace(ADAPTERS, checkpointing="auto")
    assert checkpointed(SHAPES[name], work, machine) == on
    whole = memory_bytes(SHAPES[name], replace(work, checkpointing=False), "nf4", machine)
    assert (whole / 2**20 + RESERVED_MIB > machine.memory_mib) == on
    assert not checkpointed(SHAPES[name], work, CPU)
    assert checkpointed(SHAPES[name], replace(work, checkpointing=True), CPU)


SMOLLM2_STEPS = {
    "head, 16 x 41 tokens": ({"longest": 41}, 1603),
    "head, 16 x 118 tokens": ({"longest": 118}, 4073),
    "head, at most 1,024 of 16 x 118 tokens": ({"longest": 118, "micro_tokens": 1024}, 2400),
    "DoRA, 13 x 41 tokens": ({"longest": 41, "batch": 13, "adapter": "dora"}, 3321),
    "instruction, 16 x 68 tokens behind 42": (
        {"longest": 68, "shared_tokens": 42.0, "supervised": 7}, 2842,
    ),
    "instruction, 8 x 68 tokens behind 42": (
        {"longest": 68, "shared_tokens": 42.0, "supervised": 7, "micro_tokens": 544}, 1724,
    ),
    "instruction, 13 x 68 tokens behind 605": (
        {"longest": 68, "shared_tokens": 605.0, "supervised": 7, "batch": 13}, 3489,
    ),
}  # fmt: skip
"""What a training step had at once, and the peak in MiB that a process had in training with it.

Measured with SmolLM2-135M in NF4, one thread, by `tests/perf/plan_accuracy.py --training-only`."""


@pytest.mark.parametrize("step", SMOLLM2_STEPS)
def test_a_plan_is_within_a_fifth_of_the_peak_that_was_measured(step):
    changes, peak = SMOLLM2_STEPS[step]
    work = replace(ADAPTERS, batch=16, eval_batch=32, checkpointing="auto")
    machine = Machine("cpu", "float32", 1e11)
    said = memory_bytes(SMOLLM2, replace(work, **changes), "nf4", machine) / 2**20 + PROCESS_MIB
    assert said == pytest.approx(peak, rel=0.2)
