"""Checks that every corpus must pass, and the search for texts that are in two splits."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from benchbench.contract import SPLITS, Corpus, Kind, LoaderError, Split
from benchbench.kit.data.arrow_files import batches_of, schema, text_hash

if TYPE_CHECKING:
    import datasets
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class Duplicates(NamedTuple):
    """How many documents have a normalised text that is also in an earlier split.

    `conflicting` counts the documents among them that have other labels than every copy there.
    """

    validation_in_train: int
    test_in_train: int
    test_in_validation: int
    conflicting: int


def find_duplicates(corpus: Corpus) -> Duplicates:
    """Count documents whose normalised text is also in an earlier split.

    Normalised means NFKC, case folded, and one space for every run of white space.
    """
    import numpy as np

    hashes = {split: _text_hashes(getattr(corpus, split)) for split in SPLITS}

    def overlap(later: Split, earlier: Split) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        texts, labelled = (
            np.isin(mine, theirs)
            for mine, theirs in zip(hashes[later], hashes[earlier], strict=True)
        )
        return texts, texts & ~labelled

    validation, validation_conflicts = overlap("validation", "train")
    test, test_conflicts = overlap("test", "train")
    tuned, tuned_conflicts = overlap("test", "validation")
    conflicting = validation_conflicts.sum() + (test_conflicts | tuned_conflicts).sum()
    return Duplicates(int(validation.sum()), int(test.sum()), int(tuned.sum()), int(conflicting))


def check_corpus(corpus: Corpus) -> None:
    """Raise LoaderError where a corpus breaks the contract of `Corpus`.

    The error names the split and the row's id. It is raised for

    - a split without rows, with other columns, or with columns of other types,
    - a missing value,
    - an id that is used twice, or a group that straddles splits,
    - a label that is out of range, twice in a row, or in training but not in the label space,
    - a main label that is not among the row's labels,
    - a single-label row without exactly one label,
    - a weight that is not a finite number of at least 0.
    """
    if len(corpus.labels) < 2:
        raise LoaderError(
            f"the label space has {len(corpus.labels)} labels; at least two are needed"
        )
    for split in SPLITS:
        dataset = getattr(corpus, split)
        if len(dataset) == 0:
            raise LoaderError(f"{split}: the split is empty")
        _check_schema(split, dataset)
        allowed = len(corpus.labels) + (0 if split == "train" else len(corpus.labels.unseen))
        for batch in batches_of(dataset):
            _check_batch(split, batch, corpus.kind, allowed)
    check_identities("", lambda split: batches_of(getattr(corpus, split)))


def _check_schema(split: Split, dataset: datasets.Dataset) -> None:
    """Raise LoaderError where columns or types are not those of `Corpus`."""
    expected = {column.name: str(column.type) for column in schema()}
    actual = {column.name: str(column.type) for column in dataset.features.arrow_schema}
    # The name of a list's items means nothing and differs between writers.
    actual = {name: kind.replace("element:", "item:") for name, kind in actual.items()}
    for name in sorted(expected.keys() | actual.keys()):
        if expected.get(name) != actual.get(name):
            raise LoaderError(
                f"{split}: column '{name}': expected {expected.get(name, 'no such column')}, "
                f"found {actual.get(name, 'none')}"
            )


def _check_batch(split: Split, batch: pa.RecordBatch, kind: Kind, allowed: int) -> None:
    """Raise LoaderError for the first row whose values break the contract."""
    import numpy as np

    for column in batch.columns:
        if column.null_count or (column.type.num_fields and column.flatten().null_count):
            near = batch.column("id")[0]
            raise LoaderError(f"{split}: a value is missing (null) near row '{near}'")
    labels = batch.column("labels")
    lengths = np.diff(labels.offsets.to_numpy())
    codes = labels.flatten().to_numpy()
    owners = np.repeat(np.arange(len(lengths)), lengths)
    main = batch.column("main").to_numpy()
    weights = batch.column("weight").to_numpy()
    main_is_a_label = main == -1
    main_is_a_label[owners[codes == main[owners]]] = True
    pairs = np.lexsort((codes, owners))
    again = (np.diff(owners[pairs]) == 0) & (np.diff(codes[pairs]) == 0)
    faults = {
        f"a label index is outside 0..{allowed - 1}": owners[(codes < 0) | (codes >= allowed)],
        "a label occurs twice": owners[pairs][1:][again],
        "the main label is not among its labels": np.flatnonzero(~main_is_a_label),
        "the weight is not a finite number of at least 0": np.flatnonzero(
            ~(np.isfinite(weights) & (weights >= 0))
        ),
    }
    if kind == "single-label":
        faults["a single-label row needs exactly one label"] = np.flatnonzero(lengths != 1)
        faults["the main label of a single-label row must be its label"] = np.flatnonzero(
            main == -1
        )
    for fault, rows in faults.items():
        if len(rows):
            raise LoaderError(f"{split}: row '{batch.column('id')[int(rows[0])]}': {fault}")


def check_identities(where: str, batches: Callable[[Split], Iterator[pa.RecordBatch]]) -> None:
    """Raise LoaderError for an id that is used twice, or a group that straddles splits.

    Python's own hashes are enough: they have 64 bits and are compared only within this process.
    """
    import numpy as np

    ids, groups = [], []
    for split in SPLITS:
        split_ids, split_groups = array("q"), array("q")
        for batch in batches(split):
            split_ids.extend(map(hash, batch.column("id").to_pylist()))
            split_groups.extend(map(hash, filter(None, batch.column("group").to_pylist())))
        ids.append(np.array(split_ids, np.int64))
        groups.append(np.unique(np.array(split_groups, np.int64)))
    for column, parts, fault in (
        ("id", ids, "is used twice; ids must be unique over all splits"),
        ("group", groups, "straddles splits; move its documents into one of them"),
    ):
        hashes, counts = np.unique(np.concatenate(parts), return_counts=True)
        if (counts > 1).any():
            repeated = hashes[counts > 1][0]
            split = [name for name, part in zip(SPLITS, parts, strict=True) if repeated in part][-1]
            names = (name for batch in batches(split) for name in batch.column(column).to_pylist())
            name = next(name for name in names if hash(name) == repeated)
            raise LoaderError(f"{where}{split}: the {column} '{name}' {fault}")


def _text_hashes(dataset: datasets.Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return int64 hashes of the normalised texts: without and with the set of labels."""
    import numpy as np

    texts, labelled = array("q"), array("q")
    for batch in batches_of(dataset.select_columns(["text", "labels"])):
        for text, codes in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
            texts.append(text_hash(plain))
            labelled.append(text_hash(f"{sorted(codes)}{plain}"))
    return np.array(texts, np.int64), np.array(labelled, np.int64)
