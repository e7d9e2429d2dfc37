"""The published boards: nothing failed, weights were really 4-bit, scores are plausible."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.evidence import read_board, read_evidence, records_on
from benchbench.publishing.publication import opened

FOLDER = Path(__file__).parent.parent.parent / "leaderboards"
BOARDS = sorted(path.stem for path in FOLDER.glob("*.zip"))
LLM_METHODS = ("embedding-head", "instruction", "frozen-embedding", "zero-shot")


@pytest.fixture(scope="module")
def default():
    with opened(FOLDER / "default.zip") as store:
        board = read_board(store, "default")
        yield records_on(store, board), read_evidence(store, board)


@pytest.fixture(scope="module")
def laptop():
    with opened(FOLDER / "laptop.zip") as store:
        yield records_on(store, read_board(store, "laptop"))


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
        assert min(trained) > values["majority", ""] + 0.05, name


def test_the_laptops_board_is_of_real_models_on_real_data(laptop):
    assert len(laptop) == 32
    assert all(record is not None and record.status == "ok" for record in laptop.values())
    cells = [record for record in laptop.values() if record.cell.method.use in LLM_METHODS]
    assert len(cells) == 2 * (3 * 3 + 2)
    for record in cells:
        assert record.facts["four_bit_modules"] == 7 * 30, record.cell.title
        assert record.facts["backbone"]["stored_as"] == "GGUF Q4_1", record.cell.title
        assert record.facts["total_parameters"] > 134e6, record.cell.title
        assert not record.warnings, record.cell.title


@pytest.mark.parametrize("name", BOARDS)
def test_an_archive_has_no_absolute_paths(name):
    import re
    import zipfile

    with zipfile.ZipFile(FOLDER / f"{name}.zip") as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
    assert texts
    absolute = re.compile(rb'[" =]/[^"/ ]+/')
    assert absolute.search(b'{"path": "/somewhere/else"}')
    assert not any(absolute.search(text) for text in texts)
