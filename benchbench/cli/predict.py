"""`benchbench predict SYSTEM`: label new texts with a stored system of a board."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import click
from rich.console import Console

from benchbench.cli.completed_names import systems
from benchbench.cli.heartbeat import EVERY_SECONDS
from benchbench.cli.options import store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.contract import BenchbenchError
from benchbench.inference import (
    OutputColumns,
    Predictor,
    find_system,
    form_of,
    load_predictor,
    output_form,
    read_texts,
    text_columns,
    write_predictions,
)
from benchbench.machine import fsio
from benchbench.records import existing_store
from benchbench.render import plain, terminal_console

PIPE = "-"


@click.command(
    cls=Subcommand,
    rules=(
        "SYSTEM is METHOD, METHOD/BACKBONE or the beginning of a run's id (see 'benchbench ls "
        "runs'); without it, the system that is first on the board. Of several seeds, it is the "
        "one that is best on validation.",
        "A text gets the labels that the board's rule gives it: the label with the highest score, "
        "or all labels above the threshold that was tuned on validation. Probabilities are at the "
        "board's temperature.",
        "Texts are read from CSV, JSON lines, Parquet, or one per line, a few at a time. UTF-8 is "
        "expected. Text columns are those of the training table, unless --text names others.",
        "Only installed plugins are loaded, and the command says which.",
    ),
    examples=(
        "benchbench predict --input new.csv --output labelled.csv",
        "benchbench predict tfidf-svm --input new.jsonl --output out.jsonl",
        "benchbench predict embedding-head/llama-3.2-1b --input - --top 3",
    ),
)
@click.argument("system", required=False, shell_complete=systems)
@store_option
@click.option("--input", "source", required=True, metavar="FILE|-", help="Texts; - reads a pipe.")
@click.option("--output", default=PIPE, metavar="FILE|-", help="Predictions [standard output].")
@click.option("--text", metavar="COLUMNS", help="Text columns [those of the training table].")
@click.option(
    "--top", type=click.IntRange(1, 1000), metavar="K", help="Add the K likeliest labels."
)
@click.option("--keep", metavar="COLUMNS", help="Columns of the input to copy, or all [none].")
@click.option("--board", metavar="NAME", help="The board of the system [the only one].")
@click.option("--dataset", metavar="NAME", help="What it was trained on [the only one].")
@click.option("--seed", type=int, metavar="N", help="The seed [the best one on validation].")
@click.option(
    "--weights", metavar="PATH", help="Folder or file of a backbone that has no name here."
)
@click.option(
    "--input-format", type=click.Choice(["csv", "jsonl", "parquet", "lines"]), metavar="FORMAT",
    help="csv, jsonl, parquet or lines [by the name; lines for a pipe].",
)  # fmt: skip
@click.option(
    "--output-format", type=click.Choice(["csv", "jsonl", "parquet"]), metavar="FORMAT",
    help="csv, jsonl or parquet [by the name; csv for a pipe].",
)  # fmt: skip
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    metavar="NAME",
    help="auto, cpu or cuda.",
)
@click.option("--offline", is_flag=True, help="Use no network.")
def predict(**options: Any) -> int:
    """Label new texts with a stored system of a board."""
    console = terminal_console(stderr=True)
    source, target = _path(options["source"]), _path(options["output"])
    form = form_of(source, options["input_format"])
    written_as = output_form(target, options["output_format"])
    if source is not None and target is not None and source.resolve() == target.resolve():
        raise BenchbenchError(f"{target}: --output would take the place of --input; name another.")
    store = existing_store(options["store"])
    chosen = {name: options[name] for name in ("board", "dataset", "seed")}
    system = find_system(store, options["system"], **chosen)
    with ExitStack() as opened:
        stream = opened.enter_context(_input(source))
        with console.status(f"Loading {plain(system.title)}"):
            given = {name: options[name] for name in ("device", "weights", "offline")}
            predictor = load_predictor(store, system, **given)
        console.print(f"{system.title}, loaded by {', '.join(predictor.plugins)}", markup=False)
        columns = text_columns(options["text"], system.record.identity["parameters"]["dataset"])
        texts = read_texts(source, stream, form, columns)
        out = opened.enter_context(_output(target, written_as))
        shown = OutputColumns(options["top"] or 0, _kept(options["keep"]))
        _run(predictor, write_predictions(predictor, texts, out, written_as, shown), console)
    if target is not None:
        console.print(f"Written: {target}", markup=False)
    return 0


def _run(predictor: Predictor, parts: Iterator[int], console: Console) -> None:
    """Let the parts be written; show how many texts are done, now and then."""
    start = last = time.monotonic()
    written = 0
    with console.status("Predicting") as status:
        for written in parts:
            now = time.monotonic()
            line = f"{written:,} texts, {written / (now - start):,.0f} per second"
            status.update(line)
            if not console.is_terminal and now - last >= EVERY_SECONDS:
                console.print(line)
                last = now
    spent = max(time.monotonic() - start, 1e-9)
    noun = "text" if written == 1 else "texts"
    console.print(f"{written:,} {noun} in {spent:,.1f} s, {written / spent:,.0f} per second.")


def _path(text: str) -> Path | None:
    return None if text == PIPE else Path(text)


def _kept(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return ()
    return None if text == "all" else tuple(name.strip() for name in text.split(","))


@contextmanager
def _input(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise BenchbenchError(f"{path}: cannot be read ({error.strerror}).") from error
    with file:
        yield file


@contextmanager
def _output(path: Path | None, form: str) -> Iterator[IO[Any]]:
    """Give a file that takes its name when all is written, or standard output."""
    if path is None and form == "parquet":
        raise BenchbenchError("A Parquet file goes to a file: name one with --output.")
    if path is None:
        yield sys.stdout
        return
    with fsio.replacing(path) as file:
        if form == "parquet":
            yield file
            return
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()
