"""Random damage to a table: the outcome is rows or a LoaderError that names the file."""

from __future__ import annotations

import gzip
import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from benchbench_csv.columns import Columns
from benchbench_csv.csv_dataset import CsvDataset
from benchbench_csv.csv_options import CsvOptions
from benchbench_csv.readers import ReadSettings, read_rows
from benchbench_csv.row_counts import RowCounts
from benchbench_csv.table_files import find_table_file

from benchbench import LoaderError
from benchbench.contract.parameters import resolve
from benchbench.kit.typed_parameters import read_parameters

ROWS = [(f"row {i}, “quoted” \n text" if i % 3 else f"row {i}", "abc"[i % 3]) for i in range(40)]
CSV = "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS)
JSONL = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)


def parquet() -> bytes:
    texts, labels = zip(*ROWS, strict=True)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": texts, "label": labels}), buffer)
    return buffer.getvalue()


FILES = {
    "table.csv": (CSV.encode(), 900),
    "utf16.csv": (CSV.encode("utf-16"), 300),
    "table.csv.gz": (gzip.compress(CSV.encode(), mtime=0), 200),
    "table.jsonl": (JSONL.encode(), 400),
    "array.json": (f"[{JSONL.strip().replace(chr(10), ',')}]".encode(), 100),
    "table.parquet": (parquet(), 200),
}


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the content with bytes flipped, or cut short, or with a piece twice."""
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        spoilt[chance.randrange(len(spoilt))] = chance.choice((*range(256), *b'"",,\n\r\\{}\0'))
    if chance.random() < 0.3:
        del spoilt[chance.randrange(len(spoilt)) :]
    if chance.random() < 0.1:
        place = chance.randrange(len(spoilt) + 1)
        spoilt[place:place] = spoilt[place : place + chance.randrange(200)]
    return bytes(spoilt)


def settled(path, **params):
    columns = {"path": str(path), "text": "text", "label": "label", **params}
    values, faults = resolve("csv", CsvDataset.parameters, columns)
    assert not faults
    return {**values, "split_seed": 0}


@pytest.mark.parametrize("name", FILES)
def test_damaged_bytes_give_rows_or_a_named_error_and_lose_no_row(tmp_path, name):
    content, rounds = FILES[name]
    chance = random.Random(name)
    path = tmp_path / name
    outcomes = {"rows": 0, "refused": 0, "skipped": 0}
    for number in range(rounds):
        path.write_bytes(damaged(content, chance))
        params = settled(path, on_bad_row="skip" if number % 2 else "error", max_skipped=1)
        options = read_parameters(CsvOptions, params)
        columns = Columns.from_options(options)
        settings = ReadSettings.from_options(options, tmp_path)
        counts = RowCounts(name, options.skips_bad_rows, 1.0)
        try:
            file = find_table_file(str(path), "train")
            rows = list(read_rows(file, columns, settings, counts))
        except LoaderError as error:
            assert str(path) in str(error)
            assert "\n" not in str(error)
            outcomes["refused"] += 1
        else:
            assert counts.seen == len(rows) + len(counts.skipped)
            assert all(row.text.strip() and row.labels[0].strip() for row in rows)
            outcomes["rows"] += 1
            outcomes["skipped"] += bool(counts.skipped)
    assert outcomes["refused"] > rounds / 20
    assert name.endswith((".gz", ".parquet", ".json")) or outcomes["skipped"]


def test_damaged_files_give_a_whole_corpus_or_a_named_error(tmp_path):
    chance = random.Random(0)
    path = tmp_path / "table.csv"
    loaded = 0
    for _ in range(100):
        path.write_bytes(damaged(CSV.encode(), chance))
        params = settled(path, on_bad_row="skip", max_skipped=0.5)
        try:
            corpus = CsvDataset().load(params, tmp_path / "out")
        except LoaderError as error:
            assert str(path) in str(error)
        else:
            parts = (corpus.train, corpus.validation, corpus.test)
            assert sum(map(len, parts)) == corpus.report.loaded
            loaded += 1
    assert loaded > 10
