"""What the published default says of itself: nothing failed, 4-bit was real, there is a spread."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.evidence.board import read_board, records_on
from benchbench.publishing.publication import opened, stored_evidence

ARCHIVE = Path(__file__).parent.parent.parent / "leaderboards" / "default.zip"
LLM_METHODS = ("embedding-head", "instruction", "frozen-embedding", "zero-shot")


@pytest.fixture(scope="module")
def default():
    with opened(ARCHIVE) as store:
        board = read_board(store, "default")
        yield records_on(store, board), stored_evidence(store, "default")


def test_no_cell_failed_or_was_skipped(default):
    records, _ = default
    assert len(records) == 58
    assert all(record is not None and record.status == "ok" for record in records.values())


def test_every_llm_cell_was_held_in_four_bits_and_its_guards_passed(default):
    records, _ = default
    cells = [one for one in records.values() if one.cell.method.use in LLM_METHODS]
    assert len(cells) == 2 * 3 * (2 * 3 + 2)
    for record in cells:
        assert record.facts["four_bit_modules"] > 0, record.cell.title
        assert record.guards["the base is really quantised"] == "passed", record.cell.title
        assert set(record.guards.values()) <= {"passed", "not applicable"}, record.cell.title


def test_nothing_is_too_good_and_the_majority_is_far_below_all_that_learned(default):
    records, evidence = default
    assert len(evidence.values) == len(records)
    assert max(run["test"]["macro_f1"] for run in evidence.values.values()) < 0.97
    for name, found in evidence.datasets.items():
        values = {(one.method, one.backbone): one.value for one in found.systems}
        learned = [value for (method, _), value in values.items()
                   if method not in ("majority", "zero-shot")]  # fmt: skip
        assert min(learned) > values["majority", ""] + 0.1, name


def test_no_path_of_a_machine_is_in_it():
    import re
    import zipfile

    with zipfile.ZipFile(ARCHIVE) as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
    assert texts
    absolute = re.compile(rb'[" =]/[^"/ ]+/')
    assert absolute.search(b'{"path": "/somewhere/else"}')
    assert not any(absolute.search(text) for text in texts)
