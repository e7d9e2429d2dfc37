"""A stored corpus reads back, and its fingerprint shows any change."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import datasets
import pytest

from benchbench import LoaderError, LoadReport
from benchbench.kit.data.corpus_store import (
    corpus_fault,
    corpus_stamp,
    describe_corpus,
    read_corpus,
    write_corpus,
)
from benchbench.machine.contents import CONTENTS
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


def edit_words(folder):
    data = (folder / "train.arrow").read_bytes()
    (folder / "train.arrow").write_bytes(data.replace(b"text", b"tale"))


def flip_every_byte(folder):
    data = (folder / "test.arrow").read_bytes()
    (folder / "test.arrow").write_bytes(bytes(byte ^ 0x55 for byte in data))


def forge_a_label(folder):
    text = (folder / "corpus.json").read_text()
    (folder / "corpus.json").write_text(text.replace("ant", "elk"))


def exchange_splits(folder):
    for old, new in (("test", "x"), ("validation", "test"), ("x", "validation")):
        (folder / f"{old}.arrow").rename(folder / f"{new}.arrow")


def edit_the_manifest(folder):
    text = (folder / CONTENTS).read_text()
    (folder / CONTENTS).write_text(text.replace('"bytes":', '"octets":'))


DAMAGES = {
    "words-of-equal-length": (edit_words, "train.arrow was changed"),
    "every-byte": (flip_every_byte, "test.arrow was changed"),
    "a-label": (forge_a_label, "corpus.json was changed"),
    "splits-exchanged": (exchange_splits, "arrow was changed"),
    "the-manifest": (edit_the_manifest, "contents.json was changed"),
    "no-manifest": (lambda folder: (folder / CONTENTS).unlink(), "contents.json cannot be read"),
    "no-rows": (lambda folder: (folder / "test.arrow").unlink(), "test.arrow cannot be read"),
    "a-folder": (lambda folder: ((folder / "test.arrow").unlink(),
                                 (folder / "test.arrow").mkdir()), "test.arrow cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_stored_corpus_whose_files_were_changed_is_refused(corpus, tmp_path, name):
    damage, fault = DAMAGES[name]
    folder = tmp_path / "stored"
    fingerprint = write_corpus(corpus, folder)
    read_corpus(folder, fingerprint)
    before = corpus_stamp(folder)
    damage(folder)
    assert corpus_stamp(folder) != before
    with pytest.raises(LoaderError, match=fault) as caught:
        read_corpus(folder, fingerprint)
    assert "\n" not in str(caught.value)
    write_corpus(corpus, tmp_path / "anew")
    assert corpus_fault(tmp_path / "anew") == ""


def test_a_corpus_with_another_fingerprint_than_the_key_has_is_refused(corpus, tmp_path):
    other = write_corpus(replace(corpus, test=corpus.test.select(range(3))), tmp_path / "other")
    expected = write_corpus(corpus, tmp_path / "stored")
    read_corpus(tmp_path / "other", other)
    with pytest.raises(LoaderError, match=f"expected the corpus {expected}, found {other}"):
        read_corpus(tmp_path / "other", expected)


def test_a_folder_without_a_corpus_has_no_description(tmp_path):
    (tmp_path / "corpus.json").write_text(json.dumps([]))
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(LoaderError, match="not a stored corpus"):
            describe_corpus(folder)
