"""A small file of predictions cannot take much memory: what it declares is looked at first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.contract import StoreError
from benchbench.records import bounded_parquet
from benchbench.records.prediction_files import (
    content_digest,
    predicted_for,
    read_predictions,
    write_predictions,
)


def rows(count, *, text="", own=(0,), labels=3, **columns):
    """Return predictions of `count` equal documents, in a form that takes little room."""
    same = pa.array(np.zeros(count, np.int32))
    splits = pa.DictionaryArray.from_arrays(same, ["test"])
    table = {
        "split": splits,
        "id": pa.array(map(str, range(count))) if count < 10_000 else splits,
        "gold": pa.array([list(own)] * count, pa.list_(pa.int32())) if count < 10_000 else
        pa.ListArray.from_arrays(pa.array(range(count + 1), pa.int32()), same),
        "main": same,
        "group": pa.DictionaryArray.from_arrays(same, [text]),
        "logits": pa.FixedSizeListArray.from_arrays(
            pa.array(np.zeros(count * labels, np.float32)), labels),
    }  # fmt: skip
    plain = {
        name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) and not text
        else column for name, column in table.items()
    }  # fmt: skip
    return pa.table({**plain, **columns})


def refused(path, table, labels=3, documents=None, **options):
    if table is not None:
        pq.write_table(table, path, compression="zstd", **options)
    with pytest.raises(StoreError, match="cannot be read as predictions") as error:
        read_predictions(path, labels, documents)
    assert "\n" not in str(error.value)
    return str(error.value)


def never(*_, **__):
    raise AssertionError("data was read")


def test_too_many_rows_are_refused_before_data_is_read(tmp_path, monkeypatch):
    path = tmp_path / "p.parquet"
    table = rows(2_000_000, labels=1)
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(3):
            writer.write_table(table)
    del table
    assert path.stat().st_size < 3_000_000
    monkeypatch.setattr(pq.ParquetFile, "read", never)
    assert "6,000,000 documents, which are too many" in refused(path, None)
    expected = {"validation": 0, "test": 12}
    assert "6,000,000 documents, expected 12" in refused(path, None, documents=expected)


def test_scores_are_bounded_by_documents_times_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(pq.ParquetFile, "read", never)
    assert "too many to read" in refused(tmp_path / "p", rows(100), labels=2_000_000)


def test_a_text_that_unfolds_is_refused_in_its_dictionary(tmp_path):
    path = tmp_path / "p.parquet"
    before = pa.total_allocated_bytes()
    assert "bytes of text" in refused(path, rows(3_000, text="x" * 100_000))
    assert path.stat().st_size < 300_000
    assert pa.total_allocated_bytes() - before < 10_000_000


def test_the_gold_labels_of_a_row_are_no_more_than_the_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(pq.ParquetFile, "read", never)
    assert "'gold' has 40,000 values" in refused(tmp_path / "p", rows(10, own=[0] * 4_000))


@pytest.mark.parametrize(
    "column",
    [
        pytest.param({"main": pa.array([0.5] * 5)}, id="float-main"),
        pytest.param({"id": pa.array([b"x"] * 5)}, id="bytes-id"),
        pytest.param({"gold": pa.array([[0.0]] * 5)}, id="float-gold"),
        pytest.param({"more": pa.array([1] * 5)}, id="a-column-more"),
    ],
)
def test_columns_of_another_type_are_refused_before_data_is_read(tmp_path, monkeypatch, column):
    monkeypatch.setattr(pq.ParquetFile, "read", never)
    assert "column" in refused(tmp_path / "p", rows(5, **column))


@pytest.mark.parametrize("name", ["main", "id", "gold"])
def test_a_missing_value_is_refused(tmp_path, name):
    table = rows(5)
    gap = pa.array([None, *table[name].to_pylist()[1:]], table.schema.field(name).type)
    assert f"'{name}' is missing" in refused(tmp_path / "p", rows(5, **{name: gap}))


def test_counts_by_split_must_be_those_of_the_dataset_and_ids_stand_once(tmp_path):
    path = tmp_path / "p.parquet"
    expected = {"validation": 2, "test": 3}
    assert "0 documents of validation, not 2" in refused(path, rows(5), documents=expected)
    twice = rows(5, id=pa.array(["a", "a", "b", "c", "d"]))
    assert "a document of test stands in it twice" in refused(path, twice)


def test_a_file_names_the_cell_that_it_was_predicted_for(tmp_path):
    table = rows(5)
    shas = [
        write_predictions(table, tmp_path / "plain"),
        write_predictions(table, tmp_path / "first", "a" * 64, "b" * 64),
        write_predictions(table, tmp_path / "second", "c" * 64, "b" * 64),
    ]
    assert len(set(shas)) == 3
    assert predicted_for(tmp_path / "plain") is None
    assert predicted_for(tmp_path / "first") == ("a" * 64, "b" * 64)
    contents = {content_digest(tmp_path / name, 3) for name in ("plain", "first", "second")}
    assert len(contents) == 1
    pq.write_table(table, tmp_path / "other", compression="none", row_group_size=2)
    assert {content_digest(tmp_path / "other", 3)} == contents
    write_predictions(rows(5, own=(1,)), tmp_path / "changed")
    assert {content_digest(tmp_path / "changed", 3)} != contents
    given = ("split", "id")
    assert content_digest(tmp_path / "changed", 3, given) == content_digest(
        tmp_path / "plain", 3, given
    )


def test_the_largest_boards_stay_within_the_limits():
    """20 systems, 30,000 documents and 451 labels are what a large board has."""
    assert bounded_parquet.MOST_SCORES > 2 * 30_000 * 451 * 4
