"""What is said to make a cell fit does make it fit, and is no stronger than it must be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchbench_backbones.shapes import SHAPES

from benchbench.planning.memory_need import RESERVED_MIB, memory_bytes
from benchbench.planning.remedies import remedy
from tests.support.planned_work import ADAPTERS, EIGHT, GPU


def card(gib):
    return replace(GPU, memory_mib=gib * 1024)


def under(settings, work):
    """Return the workload under the settings of a remedy."""
    names = {
        "eval_batch_size": "eval_batch",
        "micro_tokens": "micro_tokens",
        "gradient_checkpointing": "checkpointing",
    }
    pairs = (part.split("=") for part in settings.replace("--set ", "").split())
    values = {names[name]: True if value == "true" else int(value) for name, value in pairs}
    return replace(work, **values)


@pytest.mark.parametrize(
    ("gib", "changes", "words"),
    [
        (16, {"batch": 64, "checkpointing": "auto"}, ["micro_tokens"]),
        (16, {"batch": 16, "checkpointing": False}, ["micro_tokens"]),
        (12, {"eval_batch": 512, "trains": "nothing", "scored": 9}, ["eval_batch_size"]),
        (24, {"batch": 8, "checkpointing": False, "longest": 4000}, ["gradient_checkpointing"]),
    ],
)
def test_the_settings_make_it_fit(gib, changes, words):
    work, machine = replace(ADAPTERS, **changes), card(gib)
    room = (machine.memory_mib - RESERVED_MIB) * 2**20
    assert memory_bytes(EIGHT, work, "nf4", machine) > room
    settings = remedy(EIGHT, work, "nf4", machine)
    assert [word for word in words if word not in settings] == []
    assert memory_bytes(EIGHT, under(settings, work), "nf4", machine) <= room


def test_weights_in_four_bits_come_last_and_nothing_helps_a_card_below_them():
    assert "quantization=nf4" in remedy(EIGHT, ADAPTERS, "none", card(16))
    assert "quantization" not in remedy(EIGHT, ADAPTERS, "none", card(24))
    assert remedy(EIGHT, ADAPTERS, "nf4", card(4)) == ""
    assert remedy(EIGHT, ADAPTERS, "nf4", GPU) == "", "how large it is is not known"


def test_a_whole_model_that_is_trained_is_not_quantised():
    work = replace(ADAPTERS, trains="everything")
    assert remedy(SHAPES["qwen2.5-3b"], work, "none", card(16)) == ""
