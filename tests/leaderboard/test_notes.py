"""Notes: what the weights of backbones were, and of tests only where something is compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.evidence import load_or_compute, records_on
from benchbench.leaderboard import build_leaderboard
from tests.support.building import built, record
from tests.support.predicted import SYSTEMS, store_of


def notes(**facts):
    """Return the notes about the backbone, of a board with one cell."""
    loaded = {"four_bit_modules": 7, "quantized_share": 1.0, "stored_as": None, **facts}
    all_notes = built([record(facts={"backbone": loaded})]).notes
    return [note for note in all_notes if note.startswith("llama: ")]


def test_a_backbone_that_is_quantised_as_a_whole_needs_no_note():
    assert notes() == []
    assert notes(quantized_share=0.995) == []
    assert notes(quantized_share=0.0, four_bit_modules=0) == []


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"quantized_share": 0.62}, "62 % of the weights are quantised"),
        (
            {"stored_as": "GGUF Q4_1"},
            "quantised before, as GGUF Q4_1; they were read back and then quantised as NF4.",
        ),
        (
            {"stored_as": "GGUF Q4_1", "four_bit_modules": 0},
            "the weights had been quantised before, as GGUF Q4_1.",
        ),
        ({"without_adapter": "its experts"}, "no adapter is put on its experts."),
    ],
    ids=["partly", "before", "before and now whole", "experts"],
)
def test_what_a_reader_must_know_of_the_weights_is_one_note(facts, note):
    (line,) = notes(**facts)
    assert note in line


@pytest.mark.parametrize(
    "facts",
    [
        {"quantized_share": "x"},
        {"quantized_share": -(10**400)},
        {"quantized_share": float("nan")},
        {"stored_as": ["x"], "without_adapter": 3},
    ],
    ids=["text", "huge", "nan", "list"],
)
def test_facts_of_another_form_are_left_out(facts):
    assert notes(**facts) == []


@pytest.mark.parametrize(("systems", "tested"), [(SYSTEMS[2:], False), (SYSTEMS, True)])
def test_a_board_without_pairs_says_nothing_of_tests(tmp_path, systems, tested):
    store, board = store_of(tmp_path, systems)
    board = replace(board, baseline_methods=("tfidf",))
    records = records_on(store, board)
    shown = build_leaderboard(board, records, load_or_compute(store, board, records))
    assert any(note.startswith("p: a two-sided test") for note in shown.notes) is tested
    [section] = shown.sections
    assert any("'p vs baseline' compares" in note for note in section.notes) is tested
