"""Stored predictions: they are read as they were written, one row per document of the split."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, Features, List, Value

from benchbench import GuardError
from benchbench.contract.errors import StoreError
from benchbench.machine import file_digest
from benchbench.records.prediction_files import (
    check_complete,
    predictions_table,
    read_predictions,
    write_predictions,
)

FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),
        "labels": List(Value("int32")),
        "main": Value("int32"),
        "group": Value("string"),
        "weight": Value("float32"),
    }
)
SECRET = "the text of a document that nobody may publish"


def rows(split, labels, mains=None, groups=None):
    n = len(labels)
    return Dataset.from_dict(
        {
            "id": [f"{split}-{number}" for number in range(n)],
            "text": [SECRET] * n,
            "labels": labels,
            "main": mains or [codes[0] if codes else -1 for codes in labels],
            "group": groups or [""] * n,
            "weight": [1.0] * n,
        },
        features=FEATURES,
    )


GOLD = {"validation": [[0], [1, 3], []], "test": [[2, 0], [4], [], [1]]}


@pytest.fixture
def splits():
    return {name: rows(name, gold) for name, gold in GOLD.items()}


@pytest.fixture
def logits():
    random = np.random.default_rng(0)
    return {
        name: random.normal(size=(len(gold), 3)).astype("float32") for name, gold in GOLD.items()
    }


@pytest.fixture
def path(tmp_path, splits, logits):
    path = tmp_path / "predictions.parquet"
    write_predictions(predictions_table(splits, logits), path)
    return path


def test_predictions_are_read_as_they_were_written(path, logits):
    stored = read_predictions(path, labels=5)
    assert list(stored) == ["validation", "test"]
    for name, part in stored.items():
        assert part.ids == tuple(f"{name}-{number}" for number in range(len(GOLD[name])))
        assert part.logits.dtype == np.float32
        assert np.array_equal(part.logits, logits[name])
        assert [list(np.flatnonzero(row)) for row in part.gold] == [sorted(g) for g in GOLD[name]]
        assert part.gold.shape == (len(GOLD[name]), 5)
    assert stored["test"].main.tolist() == [2, 4, -1, 1]


def test_main_codes_and_groups_are_stored(tmp_path):
    splits = {"validation": rows("v", [[0]]), "test": rows("t", [[0, 1]], [1], ["family"])}
    logits = {name: np.zeros((1, 2), "float32") for name in splits}
    write_predictions(predictions_table(splits, logits), tmp_path / "p")
    stored = read_predictions(tmp_path / "p", 2)["test"]
    assert (stored.main.tolist(), stored.groups) == ([1], ("family",))


def test_a_filtered_dataset_is_stored_in_the_order_of_its_rows(tmp_path, splits, logits):
    chosen = [3, 0]
    splits = {**splits, "test": splits["test"].select(chosen)}
    logits = {**logits, "test": logits["test"][chosen]}
    write_predictions(predictions_table(splits, logits), tmp_path / "p")
    stored = read_predictions(tmp_path / "p", 5)["test"]
    assert stored.ids == ("test-3", "test-0")
    assert stored.gold[1].tolist() == [True, False, True, False, False]


def test_the_name_is_the_sha256_of_the_file(tmp_path, splits, logits):
    names = [
        write_predictions(predictions_table(splits, logits), tmp_path / str(n)) for n in range(2)
    ]
    assert names[0] == names[1] == file_digest(tmp_path / "0")
    logits["test"][0, 0] = np.nextafter(logits["test"][0, 0], np.float32(9))
    assert write_predictions(predictions_table(splits, logits), tmp_path / "2") != names[0]


def test_the_file_has_no_text_of_documents(path):
    assert pq.read_schema(path).names == ["split", "id", "gold", "main", "group", "logits"]
    assert SECRET.encode() not in path.read_bytes()
    assert not any(SECRET in str(row) for row in pq.read_table(path).to_pylist())


@pytest.mark.parametrize("wrong", [2, 4], ids=["one-missing", "one-too-many"])
def test_logits_without_exactly_one_row_per_document_are_refused(splits, logits, wrong):
    logits["validation"] = np.zeros((wrong, 3), "float32")
    with pytest.raises(GuardError, match=f"validation: {wrong} predictions for 3 documents"):
        predictions_table(splits, logits)


def without(part, keep):
    keep = np.array(keep)
    return replace(part, ids=tuple(part.ids[number] for number in keep), logits=part.logits[keep])


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        pytest.param(lambda part: without(part, [0, 1, 2]), "3 predictions are stored", id="lost"),
        pytest.param(lambda part: without(part, [0, 1, 2, 2]), "twice", id="doubled"),
        pytest.param(
            lambda part: replace(part, ids=(*part.ids[:3], "foreign")), "not those", id="foreign"
        ),
        pytest.param(
            lambda part: replace(part, ids=(*part.ids, "more")), "5 predictions", id="too-many"
        ),
    ],
)
def test_predictions_need_every_document_exactly_once(path, splits, planted, message):
    part = read_predictions(path, 5)["test"]
    check_complete(part, splits["test"])
    with pytest.raises(GuardError, match=message):
        check_complete(planted(part), splits["test"])


def spoil(path, change):
    pq.write_table(change(pq.read_table(path)), path)


def recoded(table, gold):
    values = pa.array(gold, pa.list_(pa.int32()))
    return table.set_column(table.schema.get_field_index("gold"), "gold", values)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda t: t.drop_columns(["gold"]), id="column-missing"),
        pytest.param(lambda t: t.rename_columns([*t.schema.names[:5], "scores"]), id="renamed"),
        pytest.param(lambda t: recoded(t, [[5]] + [[0]] * 6), id="label-beyond-the-space"),
        pytest.param(lambda t: recoded(t, [[-1]] + [[0]] * 6), id="negative-label"),
        pytest.param(
            lambda t: t.set_column(2, "gold", pa.array([0] * 7, pa.int32())), id="gold-no-list"
        ),
        pytest.param(
            lambda t: t.set_column(5, "logits", pa.array(["x"] * 7)), id="logits-are-text"
        ),
        pytest.param(
            lambda t: t.set_column(2, "gold", pa.array([[0.0]] * 7)), id="gold-lists-of-floats"
        ),
        pytest.param(
            lambda t: t.set_column(5, "logits", pa.array([[0.0] * 3] * 7, pa.list_(pa.float32()))),
            id="logits-of-any-length",
        ),
        pytest.param(lambda t: t.set_column(3, "main", pa.array([9] * 7, pa.int32())), id="main"),
        pytest.param(lambda t: t.set_column(3, "main", pa.array([1] * 7)), id="main-of-64-bits"),
        pytest.param(lambda t: t.set_column(1, "id", pa.array(["x"] * 7)), id="ids-twice"),
        pytest.param(lambda t: t.set_column(1, "id", pa.array(["x", *[None] * 6])), id="no-ids"),
        pytest.param(lambda t: recoded(t, [None] + [[0]] * 6), id="gold-missing"),
        pytest.param(lambda t: recoded(t, [[None]] + [[0]] * 6), id="a-label-missing"),
        pytest.param(
            lambda t: t.set_column(0, "split", pa.array(["train"] * 7)), id="of-another-split"
        ),
    ],
)
def test_a_file_of_another_form_is_an_error_in_one_line(path, change):
    spoil(path, change)
    with pytest.raises(StoreError, match="cannot be read as predictions"):
        read_predictions(path, 5)


def test_other_numbers_of_documents_than_the_dataset_has_are_refused(path):
    assert read_predictions(path, 5, {"train": 1, "validation": 3, "test": 4})
    for counts in ({"validation": 3, "test": 5}, {"validation": 4, "test": 3}):
        with pytest.raises(StoreError, match=r"documents(, expected| of validation, not)"):
            read_predictions(path, 5, counts)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="not a regular file"):
        read_predictions(tmp_path / "pipe", 5)


@pytest.mark.parametrize("keep", [0, 1, 100, -1], ids=["empty", "one-byte", "head", "no-tail"])
def test_a_truncated_file_is_an_error_in_one_line(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreError, match="cannot be read as predictions"):
        read_predictions(path, 5)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="cannot be read as predictions"):
        read_predictions(tmp_path / "none.parquet", 5)


def test_a_split_without_documents_is_read_as_empty(path):
    spoil(path, lambda table: table.filter(pa.compute.equal(table["split"], "test")))
    stored = read_predictions(path, 5)
    assert stored["validation"].logits.shape == (0, 3)
    assert stored["test"].logits.shape == (4, 3)
