"""A stored corpus reads back, and its fingerprint shows any change."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import datasets
import pytest

from benchbench import LoaderError, LoadReport
from benchbench.kit.data.corpus_store import describe_corpus, read_corpus, write_corpus
from tests.support.corpora import changed


def test_a_stored_corpus_reads_back_with_the_same_fingerprint(corpus, tmp_path):
    report = LoadReport(61, 60, ("a.csv:3: empty",), ("a.csv:4: mended",), ("mind",), {"n": 1})
    stored = replace(
        corpus,
        report=report,
        labels=replace(corpus.labels, parents={"ant": "insect"}),
    )
    fingerprint = write_corpus(stored, tmp_path / "a")
    again = read_corpus(tmp_path / "a")
    assert (again.report, again.labels, again.kind) == (report, stored.labels, "single-label")
    assert again.test.to_list() == corpus.test.to_list()
    assert write_corpus(again, tmp_path / "b") == fingerprint
    assert write_corpus(again, tmp_path / "a") == fingerprint  # onto the files it is mapped from
    for name in ("corpus.json", "train.arrow", "validation.arrow", "test.arrow"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_chunks_and_index_mappings_leave_no_trace_in_what_is_written(corpus, tmp_path):
    expected = write_corpus(corpus, tmp_path / "a")
    shuffled = corpus.train.select(range(41, -1, -1)).select(range(41, -1, -1))
    pieces = [corpus.train.select(range(i, i + 7)).flatten_indices() for i in range(0, 42, 7)]
    for name, train in {
        "mapped": shuffled,
        "chunked": datasets.concatenate_datasets(pieces),
    }.items():
        assert write_corpus(replace(corpus, train=train), tmp_path / name) == expected
        for split in ("train", "test"):
            same = (tmp_path / name / f"{split}.arrow", tmp_path / "a" / f"{split}.arrow")
            assert same[0].read_bytes() == same[1].read_bytes()


@pytest.mark.parametrize(
    "cells",
    [
        {"id": "other"},
        {"text": "other"},
        {"labels": [1], "main": 1},
        {"group": "g"},
        {"weight": 0.5},
    ],
    ids=lambda cells: next(iter(cells)),
)
def test_any_changed_cell_changes_the_fingerprint(corpus, tmp_path, cells):
    row = next(i for i, code in enumerate(corpus.test["main"]) if code != 1)
    before = write_corpus(corpus, tmp_path / "a")
    assert write_corpus(changed(corpus, "test", row, **cells), tmp_path / "b") != before


def test_the_label_space_and_the_split_of_a_row_are_in_the_fingerprint(corpus, tmp_path):
    before = write_corpus(corpus, tmp_path / "a")
    texts = replace(corpus.labels, texts=("A", "F", "Z"))
    swapped = replace(corpus, validation=corpus.test, test=corpus.validation)
    assert write_corpus(replace(corpus, labels=texts), tmp_path / "b") != before
    assert write_corpus(swapped, tmp_path / "c") != before
    whole = datasets.concatenate_datasets([corpus.validation, corpus.test])
    moved = replace(corpus, validation=whole.select(range(7)), test=whole.select(range(7, 18)))
    assert write_corpus(moved, tmp_path / "d") != before


def test_a_description_needs_no_arrow(corpus, tmp_path):
    fingerprint = write_corpus(corpus, tmp_path / "a")
    description = describe_corpus(tmp_path / "a")
    assert description.fingerprint == fingerprint
    assert description.labels == corpus.labels
    assert description.training_counts == (14, 14, 14)
    assert description.documents == {"train": 42, "validation": 6, "test": 12}
    program = (
        "import sys; from pathlib import Path;"
        "from benchbench.kit.data.corpus_store import describe_corpus;"
        "describe_corpus(Path(sys.argv[1]));"
        "sys.exit(bool({'pyarrow', 'datasets', 'torch', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], check=True)


def test_a_stored_corpus_that_was_cut_short_or_spoilt_is_refused(corpus, tmp_path):
    write_corpus(corpus, tmp_path)
    shorter = replace(corpus, test=corpus.test.select(range(3)))
    write_corpus(shorter, tmp_path / "shorter")
    whole = (tmp_path / "test.arrow").read_bytes()
    (tmp_path / "test.arrow").write_bytes((tmp_path / "shorter" / "test.arrow").read_bytes())
    with pytest.raises(LoaderError, match="expected 12 rows, found 3"):
        read_corpus(tmp_path)
    (tmp_path / "test.arrow").write_bytes(whole[:100])
    with pytest.raises(LoaderError, match=r"test\.arrow"):
        read_corpus(tmp_path)
    (tmp_path / "corpus.json").write_text(json.dumps([]))
    with pytest.raises(LoaderError, match="not a stored corpus"):
        read_corpus(tmp_path)
    with pytest.raises(LoaderError, match="not a stored corpus"):
        describe_corpus(tmp_path / "nowhere")
