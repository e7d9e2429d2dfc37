"""What a plan says beforehand: counted against real models, and against what it must order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchbench_backbones.cards import CARDS
from benchbench_backbones.shapes import SHAPES

from benchbench import Shape, Workload
from benchbench.kit.model_shape import shape_of
from benchbench.machine.hardware import Device
from benchbench.planning.estimate import (
    PADDED,
    Estimate,
    Machine,
    Passes,
    estimate,
    fits,
    operations,
    pass_bytes,
    seconds_of,
    share_of_rate,
    training_passes,
)
from benchbench.planning.matrix_speed import matrix_rates, rate_for
from tests.support.planned_work import ADAPTERS, AMOUNT, CPU, EIGHT, GPU, SMOLLM2


@pytest.fixture
def started_at_once(monkeypatch):
    """A GPU whose operations take no time to start, so that its other limits show."""
    monkeypatch.setattr("benchbench.planning.estimate.GPU_LAYER_SECONDS", 0.0)


SMALL = {
    "hidden_size": 128,
    "intermediate_size": 448,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 300,
}


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


def test_operations_follow_from_weights_tokens_and_passes():
    shape = Shape(1, 10, 20, 2, 2, 5, 100)
    training, validation, last = PADDED * 3 * 1000, PADDED * 3 * 100, 100 + 200 + 2 * 32
    asked = 2 * shape.linear_parameters * 300
    adapters = asked * (training * 2 + validation + last)
    assert operations(shape, ADAPTERS, AMOUNT, CPU) == pytest.approx(adapters)
    whole = replace(ADAPTERS, trains="everything")
    assert operations(shape, whole, AMOUNT, CPU) == pytest.approx(adapters + asked * training)
    again = replace(ADAPTERS, checkpointing=True)
    assert operations(shape, again, AMOUNT, CPU) == pytest.approx(adapters + asked * training)


def test_what_documents_begin_with_is_counted_once_per_step_and_twice_per_split():
    shape = Shape(1, 10, 20, 2, 2, 5, 100)
    each = 2 * shape.linear_parameters
    shared = replace(ADAPTERS, shared_tokens=500.0)
    more = operations(shape, shared, AMOUNT, CPU) - operations(shape, ADAPTERS, AMOUNT, CPU)
    steps, batches = 3 * 1000 / 8, 3 * 4
    assert more == pytest.approx(500 * each * (2 * steps + batches + 4))
    own = replace(ADAPTERS, training_tokens=800, prediction_tokens=800)
    assert more < 0.2 * (
        operations(shape, own, AMOUNT, CPU) - operations(shape, ADAPTERS, AMOUNT, CPU)
    )


def test_what_documents_begin_with_is_read_once_per_step_however_many_parts_that_has():
    def passes(**changes):
        work = replace(ADAPTERS, shared_tokens=500.0, batch=8, **changes)
        return training_passes(EIGHT, work, AMOUNT, GPU)

    whole, parts = passes(), passes(micro_tokens=2 * 300)
    assert parts.operations == pytest.approx(whole.operations)
    # 125 steps with a pass forward and one back for beginning and documents, 4 to validate
    assert whole.count == 3 * (2 * (125 + 125) + 2 * 4)
    assert parts.count == 3 * (2 * (125 + 500) + 2 * 4)


def test_layers_below_the_adapters_are_computed_once_and_never_backward():
    shape = Shape(10, 10, 20, 2, 2, 5, 100)
    each = 2 * shape.linear_parameters * 300
    training, validation, last = PADDED * 1000, PADDED * 100, 100 + 200 + 2 * 32
    some = replace(ADAPTERS, adapter_layers=4)
    top = 0.4 * 3 * (2 * training + validation)
    once = 0.6 * (1000 + 100)  # rows that are kept have no padding
    assert operations(shape, some, AMOUNT, CPU) == pytest.approx(each * (top + once + last))
    redrawn, every = replace(some, redrawn=True), 3 * 0.6 * (training + validation)
    assert operations(shape, redrawn, AMOUNT, CPU) == pytest.approx(each * (top + every + last))
    for layers in (10, 12):  # a shape with fewer layers is that of another model: the cell says so
        all_of_them = replace(ADAPTERS, adapter_layers=layers)
        whole = training_passes(shape, ADAPTERS, AMOUNT, CPU)
        assert training_passes(shape, all_of_them, AMOUNT, CPU) == whole


def test_what_documents_begin_with_has_one_row_of_kept_states():
    some = replace(ADAPTERS, adapter_layers=4)
    shared = replace(some, shared_tokens=500.0)
    above = replace(EIGHT, layers=4)
    more, top = (
        training_passes(EIGHT, shared, AMOUNT, GPU).operations
        - training_passes(EIGHT, some, AMOUNT, GPU).operations,
        training_passes(above, replace(shared, adapter_layers="all"), AMOUNT, GPU).operations
        - training_passes(above, replace(some, adapter_layers="all"), AMOUNT, GPU).operations,
    )
    below = replace(EIGHT, layers=EIGHT.layers - 4)
    assert more == pytest.approx(top + 2 * 500 * below.linear_parameters)


def test_states_that_no_cache_would_take_are_computed_in_every_epoch():
    work = replace(ADAPTERS, adapter_layers=4)
    few = training_passes(EIGHT, work, AMOUNT, GPU)
    documents = {name: 10**5 * count for name, count in AMOUNT.documents.items()}
    many = training_passes(EIGHT, work, replace(AMOUNT, documents=documents), GPU)
    assert many.operations > 1.5 * 10**5 * few.operations


def test_the_output_head_counts_where_it_runs():
    bare = operations(SMOLLM2, ADAPTERS, AMOUNT, CPU)
    learned = operations(SMOLLM2, replace(ADAPTERS, supervised=5), AMOUNT, CPU) - bare
    scored = operations(SMOLLM2, replace(ADAPTERS, scored=5), AMOUNT, CPU) - bare
    head = 5 * SMOLLM2.width * SMOLLM2.vocabulary
    assert learned == head * (4 * 3000 + 2 * 300)
    assert scored == head * 2 * (100 + 200 + 64)


def test_what_fits_is_what_leaves_room():
    assert fits(Estimate(20_000, 1.0), None)
    assert fits(Estimate(20_000, 1.0), 24_000)
    assert not fits(Estimate(23_900, 1.0), 24_000)


def test_twice_the_rate_is_half_the_time(started_at_once):
    slow = estimate(EIGHT, ADAPTERS, AMOUNT, "nf4", GPU)
    fast = estimate(EIGHT, ADAPTERS, AMOUNT, "nf4", replace(GPU, flops=2 * GPU.flops))
    assert fast.seconds == pytest.approx(slow.seconds / 2)
    assert fast.memory_mib == slow.memory_mib


def test_few_tokens_at_once_are_bound_by_the_bandwidth_and_many_are_not(started_at_once):
    def seconds(batch, bandwidth):
        machine = replace(GPU, bandwidth=bandwidth)
        work = replace(ADAPTERS, batch=batch, eval_batch=batch)
        return estimate(EIGHT, work, AMOUNT, "nf4", machine).seconds

    assert seconds(1, 1e12) > 2 * seconds(1, None)
    assert seconds(64, 1e12) == pytest.approx(seconds(64, None))


def test_a_packed_weight_is_read_written_in_two_bytes_and_read_again():
    weights = EIGHT.linear_parameters
    assert pass_bytes(EIGHT, ADAPTERS, "nf4", GPU) == pytest.approx(4.516 * weights, rel=1e-3)
    assert pass_bytes(EIGHT, ADAPTERS, "none", GPU) == 2 * weights
    dora = replace(ADAPTERS, adapter="dora")
    assert pass_bytes(EIGHT, dora, "none", GPU) > 2 * weights


def test_on_a_cpu_a_pass_over_few_tokens_costs_what_unpacking_does():
    machine = replace(CPU, flops=94e9)
    work = replace(ADAPTERS, epochs=1, trains="adapters", training_tokens=1, batch=16)
    amount = replace(AMOUNT, documents={"train": 1600, "validation": 0, "test": 0})
    few = estimate(SMOLLM2, work, amount, "nf4", machine).seconds / 100
    many = estimate(SMOLLM2, replace(work, training_tokens=14), amount, "nf4", machine).seconds
    # measured on one core: 0.298 s for a step of 16 tokens, and 1.49 s for one of 224
    assert few == pytest.approx(0.298, rel=0.25)
    assert many / 100 == pytest.approx(1.49, rel=0.25)


def test_a_wider_model_reaches_a_larger_share_of_the_rate_unless_it_is_given():
    shares = [share_of_rate(SHAPES[name], CPU) for name in ("smollm2-135m-instruct", "qwen3-8b")]
    assert 0.7 < shares[0] < 0.8 < 0.9 < shares[1] < 1
    assert share_of_rate(EIGHT, replace(GPU, share=0.4)) == 0.4


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


def test_the_share_of_training_leaves_out_the_last_predictions(started_at_once):
    trained = PADDED * (3 * 1000 * 300 * 4 + 3 * 100 * 300 * 2)
    last = (100 + 200 + 64) * 300 * 2
    share = estimate(EIGHT, ADAPTERS, AMOUNT, "nf4", GPU).training_share
    assert share == pytest.approx(trained / (trained + last))
    prompted = Workload("nothing", 512, 0, 300)
    assert estimate(EIGHT, prompted, AMOUNT, "nf4", GPU).training_share == 0


def test_a_gpu_is_not_faster_than_its_operations_can_be_started():
    shape = SHAPES["llama-3.2-1b"]
    fast = Machine("cuda", "bfloat16", 1e18, 80_000, 1e15)
    assert seconds_of(Passes(100, 1e12), 1e9, shape, fast) == pytest.approx(100 * 16 * 0.006)
    slow = Machine("cuda", "bfloat16", 1e12, 80_000, 1e15, share=0.5)
    assert seconds_of(Passes(1, 1e12), 1e9, shape, slow) == pytest.approx(2)
