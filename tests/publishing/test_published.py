"""The published default: nothing failed, weights were really 4-bit, scores are plausible."""

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


def test_every_llm_cell_had_four_bit_weights_and_passed_its_guards(default):
    records, _ = default
    cells = [record for record in records.values() if record.cell.method.use in LLM_METHODS]
    assert len(cells) == 2 * 3 * (2 * 3 + 2)
    for record in cells:
        assert record.facts["four_bit_modules"] > 0, record.cell.title
        assert record.guards["the base is really quantised"] == "passed", record.cell.title
        assert set(record.guards.values()) <= {"passed", "not applicable"}, record.cell.title


def test_no_score_is_implausibly_high_and_every_trained_system_beats_the_majority(default):
    records, evidence = default
    assert len(evidence.values) == len(records)
    assert max(run["test"]["macro_f1"] for run in evidence.values.values()) < 0.97
    for name, dataset in evidence.datasets.items():
        values = {(system.method, system.backbone): system.value for system in dataset.systems}
        trained = [value for (method, _), value in values.items()
                   if method not in ("majority", "zero-shot")]  # fmt: skip
        assert min(trained) > values["majority", ""] + 0.1, name


def test_the_archive_has_no_absolute_paths():
    import re
    import zipfile

    with zipfile.ZipFile(ARCHIVE) as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
    assert texts
    absolute = re.compile(rb'[" =]/[^"/ ]+/')
    assert absolute.search(b'{"path": "/somewhere/else"}')
    assert not any(absolute.search(text) for text in texts)
