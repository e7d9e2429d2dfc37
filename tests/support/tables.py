"""Small tables, loaded by the dataset `csv`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOOD = "text,label\n" + "".join(f"document {i},{'ab'[i % 2]}\n" for i in range(20))
JSON_GOOD = "".join(json.dumps({"text": f"t{i}", "label": "ab"[i % 2]}) + "\n" for i in range(20))


def settled(**params: Any) -> dict[str, Any]:
    """Return a value for every parameter of `csv`, as the core passes them."""
    from benchbench_csv.csv_dataset import CsvDataset

    from benchbench.contract.parameters import resolve

    columns = {"text": "text", "label": "label", **params}
    values, faults = resolve("csv", CsvDataset.parameters, columns)
    assert not faults
    return {**values, "split_seed": 0}


def load_table(folder: Path, content: str | bytes, name: str = "table.csv", **params: Any) -> Any:
    """Write `content` to a file in `folder`, load it, and check the corpus."""
    from benchbench_csv.csv_dataset import CsvDataset

    from benchbench.kit.data.corpus_checks import check_corpus

    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    corpus = CsvDataset().load(settled(path=str(path), **params), folder / "out")
    check_corpus(corpus)
    report = corpus.report
    assert report.seen == report.loaded + len(report.skipped)
    return corpus


def all_rows(corpus: Any) -> dict[str, dict[str, Any]]:
    """Return every row by id, with the names of its labels."""
    return {
        row["id"]: {**row, "labels": [corpus.labels.names[code] for code in row["labels"]]}
        for split in (corpus.train, corpus.validation, corpus.test)
        for row in split
    }


def records(*lines: str, head: str = "text,label") -> str:
    """Return the good table with more lines."""
    return GOOD.replace("text,label", head) + "\n".join(lines) + "\n"
