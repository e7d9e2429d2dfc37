"""`benchbench errors SYSTEM`: which documents and labels a system gets wrong."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from benchbench.analysis import (
    JudgedSplit,
    WrongDocument,
    disagreements,
    judge,
    judged_systems,
    label_errors,
    pair_errors,
    suspect_labels,
    systems_of,
    wrong_documents,
)
from benchbench.cli.completed_names import systems
from benchbench.cli.options import store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.cli.text_tables import table_of_texts, wide_console
from benchbench.contract import Split
from benchbench.inference import TrainedSystem, find_system, texts_at_hand
from benchbench.machine import fsio
from benchbench.publishing import opened
from benchbench.records import Store
from benchbench.render import plain

TABLES = ("documents", "labels", "pairs", "suspects")
MOST = 10
"""So many rows of a table stand on the terminal, unless --most says more."""
Rows = Sequence[Mapping[str, Any]]


@click.command(
    cls=Subcommand,
    rules=(
        "SYSTEM is METHOD, METHOD/BACKBONE or the beginning of a run's id; without it, the system "
        "that is first on the board. Of several seeds, it is the one that is best on validation.",
        "documents: those that are wrong, the most confident errors first; with --against, those "
        "on which two systems disagree. labels: precision, recall and F1, the lowest F1 first. "
        "pairs: which label is taken for which.",
        "suspects: labels of validation and test that may be wrong, by confident learning "
        "(Northcutt et al., 2021). At least half of the board's systems suggest the same label. "
        "Look at them before you correct anything.",
        "The command works from files alone: it needs no plugin, no model and no network. Texts "
        "are shown where the prepared dataset is in the cache of this machine.",
    ),
    examples=(
        "benchbench errors",
        "benchbench errors embedding-head/llama-3.2-1b --against tfidf-svm",
        "benchbench errors tfidf-svm --table suspects --output to-check.csv",
    ),
)
@click.argument("system", required=False, shell_complete=systems)
@store_option
@click.option("--against", metavar="SYSTEM", help="Show documents on which the two disagree.")
@click.option("--table", type=click.Choice(TABLES), metavar="NAME",
              help="documents, labels, pairs or suspects [all but suspects].")  # fmt: skip
@click.option("--label", metavar="NAME", help="Only documents that have or were given this label.")
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Rows per table [10].")
@click.option("--split", type=click.Choice(["test", "validation"]), default="test",
              show_default=True, metavar="NAME", help="test or validation.")  # fmt: skip
@click.option("--board", metavar="NAME", help="The board of the system [the only one].")
@click.option("--dataset", metavar="NAME", help="What it was trained on [the only one].")
@click.option("--seed", type=int, metavar="N", help="The seed [the best one on validation].")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write all rows of a table to FILE, as CSV or JSON lines.")  # fmt: skip
def errors(**options: Any) -> int:
    """Show which documents and labels a system gets wrong."""
    console = wide_console()
    split: Split = options["split"]
    with opened(options["store"]) as store:
        chosen = {name: options[name] for name in ("board", "dataset", "seed")}
        system = find_system(store, options["system"], **chosen)
        judged = judge(store, system, split)
        other = None
        if options["against"]:
            other = judge(store, find_system(store, options["against"], **chosen), split)
        asked = [options["table"] or "documents"] if options["output"] else _asked(options)
        tables = {name: _table(name, store, system, judged, other, options) for name in asked}
    if options["output"]:
        _write(options["output"], tables[asked[0]])
        console.print(f"Written: {options['output']}", markup=False)
        return 0
    _introduce(console, judged, split)
    for name, rows in tables.items():
        _show(console, name, rows, options["most"] or MOST)
    return 0


def _asked(options: Mapping[str, Any]) -> Sequence[str]:
    return [options["table"]] if options["table"] else TABLES[:-1]


def _introduce(console: Console, judged: JudgedSplit, split: str) -> None:
    wrong, count = int((~judged.right).sum()), len(judged.ids)
    line = f"{judged.title}: {wrong:,} of {count:,} {split} documents are wrong."
    console.print(line, markup=False, highlight=False)


def _table(
    name: str, store: Store, system: TrainedSystem, judged: JudgedSplit, other: JudgedSplit | None,
    options: Mapping[str, Any],
) -> Rows:  # fmt: skip
    """Return the rows of a table, all of them."""
    if name == "labels":
        return [
            {"label": one.label, "documents": one.documents, "predicted": one.predicted,
             "right": one.right, "precision": round(one.precision, 4),
             "recall": round(one.recall, 4), "F1": round(one.f1, 4)}
            for one in label_errors(judged)
        ]  # fmt: skip
    if name == "pairs":
        return [
            {"label": pair.gold, "taken for": pair.predicted, "documents": pair.documents}
            for pair in pair_errors(judged)
        ]
    if name == "suspects":
        return _suspects(store, system, options["board"])
    found = wrong_documents(judged) if other is None else disagreements(judged, other)
    return _documents(found, system, options)


def _documents(
    found: Iterable[WrongDocument], system: TrainedSystem, options: Mapping[str, Any]
) -> Rows:
    label = options["label"]
    kept = [
        one for one in found
        if label is None or label in (*one.gold, *one.predicted, *(one.other or ()))
    ]  # fmt: skip
    texts = _texts(system, options["split"], [one.id for one in kept])
    rows = []
    for one in kept:
        row: dict[str, Any] = {"id": one.id, "gold": ", ".join(one.gold)}
        row["predicted"] = ", ".join(one.predicted)
        row["confidence"] = None if one.confidence is None else round(one.confidence, 4)
        if one.other is not None:
            row[str(options["against"])] = ", ".join(one.other)
        rows.append(row | ({"text": texts.get(one.id, "")} if texts else {}))
    return rows


def _suspects(store: Store, system: TrainedSystem, board: str | None) -> Rows:
    """Return the suspects of validation and test; say of each how many there may be."""
    rows: list[dict[str, Any]] = []
    systems = [*systems_of(store, system, board)]
    for split in ("validation", "test"):
        found = suspect_labels(judged_systems(store, systems, split))
        texts = _texts(system, split, [suspect.id for suspect in found.suspects])
        sys.stderr.write(f"{split}: {found.sentence}\n")
        for suspect in found.suspects:
            row = {"split": split, "id": suspect.id, "gold": suspect.gold,
                   "suggested": suspect.suggested, "systems": suspect.systems,
                   "probability": round(suspect.probability, 4)}  # fmt: skip
            rows.append(row | ({"text": texts.get(suspect.id, "")} if texts else {}))
    return rows


def _texts(system: TrainedSystem, split: Split, ids: Sequence[str]) -> Mapping[str, str]:
    return texts_at_hand(str(system.record.identity.get("dataset")), split, ids)


def _show(console: Console, name: str, rows: Rows, most: int) -> None:
    """Print the first rows of a table, and how many there are."""
    console.print()
    if not rows:
        console.print(Text(f"{name}: none"))
        return
    shown = rows[:most]
    left = f", the first {most:,} of {len(rows):,}" if len(rows) > most else ""
    console.print(Text(f"{name}{left}", style="bold"))
    if "id" in rows[0]:
        for row in shown:
            _show_document(console, row)
        return
    texts = [[_cell(row[column]) for column in rows[0]] for row in shown]
    console.print(table_of_texts(list(rows[0]), texts, (), console.width))


def _show_document(console: Console, row: Mapping[str, Any]) -> None:
    """Print what a row says of a document, and below it the beginning of its text."""
    parts = [f"{name} {_cell(value)}" for name, value in row.items() if name not in ("id", "text")]
    console.print(Text(f"{plain(str(row['id']))}: {'; '.join(parts)}"))
    if row.get("text"):
        text = plain(" ".join(str(row["text"]).split()))
        console.print(Text(f"  {text}", style="dim"), no_wrap=True, overflow="ellipsis")


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return plain(f"{value:.3f}" if isinstance(value, float) else str(value))


def _write(path: Path, rows: Rows) -> None:
    """Write a table as CSV, or as JSON lines where the name of the file says so."""
    out = io.StringIO()
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        out.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    else:
        writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    fsio.replace(path, out.getvalue().encode("utf-8", "backslashreplace"))
