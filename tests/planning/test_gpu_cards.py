"""Cards that are not here: found by name however it is written, or described in numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.contract import BenchbenchError, UnknownName
from benchbench.planning.gpu_cards import CARDS, GpuCard, card_of

POSITIVE = st.floats(1e-3, 1e8)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("h100", "H100 80GB"),
        ("H100 80GB", "H100 80GB"),
        ("NVIDIA H100 SXM5", "H100 80GB"),
        ("h100-pcie", "H100 PCIe"),
        ("rtx4090", "RTX 4090"),
        ("GeForce RTX 3090", "RTX 3090"),
        ("3060", "RTX 3060 12GB"),
        ("a10", "A10"),
        ("A100", "A100 40GB"),
        ("a100-80", "A100 80GB"),
        ("Tesla V100", "V100 16GB"),
        ("a6000", "RTX A6000"),
    ],
)
def test_a_name_is_found_however_it_is_written(written, name):
    assert card_of(written).name == name


@given(
    card=st.sampled_from(CARDS),
    change=st.sampled_from([str.lower, str.upper, lambda name: name.replace(" ", "")]),
    around=st.sampled_from(["", " "]),
)
def test_every_card_is_found_by_its_own_name(card, change, around):
    assert card_of(around + change(card.name) + around) is card


@given(st.text(max_size=20))
def test_any_other_text_is_a_card_or_an_error_of_one_line(text):
    try:
        assert isinstance(card_of(text), GpuCard)
    except BenchbenchError as error:
        assert "--as" in str(error)


def test_an_unknown_card_is_answered_with_the_nearest_and_all_others():
    with pytest.raises(UnknownName, match="Did you mean") as told:
        card_of("RTX 4095")
    assert "'RTX 4090'" in str(told.value)
    assert all(card.name in str(told.value) for card in CARDS)
    assert "gpu:memory=GIB,tflops=N" in str(told.value)


@given(
    memory=POSITIVE, tflops=POSITIVE, bandwidth=st.none() | POSITIVE, order=st.permutations("mtb")
)
def test_a_card_is_what_its_description_says(memory, tflops, bandwidth, order):
    parts = {"m": f"memory={memory!r}", "t": f"tflops = {tflops!r}"}
    if bandwidth is not None:
        parts["b"] = f"bandwidth={bandwidth!r}"
    card = card_of("GPU:" + ", ".join(parts[key] for key in order if key in parts))
    assert (card.memory, card.tflops, card.bandwidth) == (memory, tflops, bandwidth)
    assert card.device.kind == "cuda"
    assert card.device.memory_mib == int(memory * 1024)


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        ("gpu:", "found ''"),
        ("gpu:memory=24", "tflops missing"),
        ("gpu:tflops=24", "memory missing"),
        ("gpu:memory=24,tflops=120,tflops=3", "found 'tflops=3'"),
        ("gpu:memory=24,speed=3", "found 'speed=3'"),
        ("gpu:memory=24,tflops=-1", "tflops takes a number above 0; found '-1'"),
        ("gpu:memory=nan,tflops=1", "found 'nan'"),
        ("gpu:memory=inf,tflops=1", "found 'inf'"),
        ("gpu:memory=0,tflops=1", "found '0'"),
        ("gpu:memory=24 GB,tflops=1", "found '24 gb'"),
    ],
)
def test_a_wrong_description_is_named(described, fault):
    with pytest.raises(BenchbenchError) as told:
        card_of(described)
    assert fault in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_has_figures_of_a_card(card):
    assert 10 <= card.memory <= 200
    assert 250 <= card.bandwidth <= 8000
    # no GPU of these has fewer operations per byte than 28 or more than 500
    assert 28 < card.tflops * 1e3 / card.bandwidth < 500
    assert card.device.dtype == ("bfloat16" if card.capability >= (8, 0) else "float16")
    assert card.device.memory_mib <= card.memory * 1024
