"""`benchbench run`: run what is missing, print the leaderboard, write it down."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchbench.cli.progress import ProgressWatcher
from benchbench.cli.selection import (
    Selection,
    executor_settings,
    jobs_option,
    planned,
    prepare_all,
    select,
    selection_options,
    share,
    threads_option,
)
from benchbench.contract import BenchbenchError, Executor
from benchbench.evidence import (
    Board,
    BoardCell,
    BoardDataset,
    compute_values,
    load_or_compute,
    records_on,
    with_plugin_results,
    write_board,
)
from benchbench.leaderboard import build_leaderboard
from benchbench.machine import fsio, redact
from benchbench.planning import PlannedCell, cache_folder
from benchbench.records import Store, corrupt_records, open_store
from benchbench.render import markdown, terminal
from benchbench.running import LOCAL, Settings, Suite, failed
from benchbench.running import run as run_suite

SOME_FAILED = 1
ADDRESS = re.compile(r"(--ray-address[ =]|\bray\.address=)\S+")
RAY = "ray"
"""--ray-address is short for --set ray.address, as --csv is for --set csv.path."""


@click.command()
@selection_options
@jobs_option
@threads_option
@click.option("--timeout", type=click.FloatRange(min=0.1), help="Seconds a cell may take.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first cell that fails.")
@click.option("--force", is_flag=True, help="Run cells again that have a result.")
@click.option("--no-cache", is_flag=True, help="Read and compute everything anew, keep none of it.")
@click.option("--executor", default=LOCAL, show_default=True, help="Where cells run.")
@click.option("--ray-address", help="With --executor ray: HOST:PORT of a cluster, or auto.")
@click.option("--quiet", is_flag=True, help="Print the leaderboard only.")
def run(**options: Any) -> int:
    """Run a grid: only what is missing, failed or stale. A finished grid is printed at once."""
    console = Console(stderr=True, quiet=options["quiet"])
    selection = select(options)
    settings = _settings(options, selection)
    store = open_store(options["store"])
    caches = click.get_current_context().with_resource(_caches(store, settings.cache))
    corpora = prepare_all(selection, options["strict"], console.print, caches)
    for corpus in corpora.values():
        for warning in corpus.description.report.warnings:
            console.print(f"Warning: {warning}", style="yellow", markup=False)
    context, cells = planned(selection, corpora, store, options)
    _announce(console, selection, cells)
    finished = False
    try:
        _run(Suite(context, corpora, settings), cells, console)
        finished = True
    finally:
        tried = selection.expansion.tried
        board = Board(
            selection.name,
            selection.grid.title,
            tuple(
                BoardCell(cell.cell, cell.id, cell.key, tried.get(cell.cell, {})) for cell in cells
            ),
            {
                reference.name: BoardDataset.of(corpus.description)
                for reference, corpus in corpora.items()
            },
            selection.expansion.dropped,
            _command(sys.argv[1:]),
            note=selection.grid.note,
        )
        board = with_plugin_results(board, selection.catalog, store, console.print)
        write_board(store, board, [corpus.description for corpus in corpora.values()])
        _publish(store, board, console, complete=finished)
    if selection.grid.closing:
        console.print(selection.grid.closing, markup=False, highlight=False, soft_wrap=True)
    return SOME_FAILED if failed(records_on(store, board).values()) else 0


def _command(words: list[str]) -> str:
    """Return the command as a board shows it: without secrets, and without a cluster's address."""
    return ADDRESS.sub(r"\1auto", redact(shlex.join(["benchbench", *words])))


def _settings(options: dict[str, Any], selection: Selection) -> Settings:
    """Return how to run; what is wrong with the executor is told before any work."""
    executor = _executor(options, selection)
    jobs, threads = share(options, selection)
    if getattr(executor, "remote", False):
        jobs, threads = options["jobs"] or 1, options["threads"] or 1
    cache = None if options["no_cache"] else cache_folder()
    return Settings(jobs, threads, options["timeout"], options["fail_fast"], executor, cache)


@contextmanager
def _caches(store: Store, cache: Path | None) -> Iterator[Path]:
    """Give where corpora are prepared: the cache, or else a folder that goes with this run."""
    if cache is not None:
        fsio.sweep(cache)
        yield cache
        return
    folder = fsio.scratch_folder(store.root)
    try:
        yield folder
    finally:
        fsio.remove_folder(folder)


def _executor(options: dict[str, Any], selection: Selection) -> Executor | None:
    """Return where cells run, None for this machine."""
    name = options["executor"]
    settings = executor_settings(options, selection.catalog)
    if options["ray_address"]:
        settings.setdefault(RAY, {})["address"] = options["ray_address"]
    if stray := sorted(set(settings) - {name}):
        raise BenchbenchError(f"What is set of {stray[0]} goes with --executor {stray[0]}.")
    if name == LOCAL:
        return None
    given = settings.get(name, {})
    return selection.catalog.configured_executor(name, given, options["jobs"])


def _run(suite: Suite, cells: list[PlannedCell], console: Console) -> None:
    pending = sum(1 for cell in cells if cell.state != "done")
    if not pending:
        return
    manager = suite.context.catalog.manager
    with ProgressWatcher(console, pending) as watcher:
        manager.register(watcher)
        run_suite(suite, cells)


def _announce(console: Console, selection: Selection, cells: list[PlannedCell]) -> None:
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell.state] = counts.get(cell.state, 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    device = selection.device
    noun = "cell" if len(cells) == 1 else "cells"
    console.print(f"{len(cells)} {noun} ({told}) on {device.name}, {device.dtype}", markup=False)
    for reason in selection.expansion.dropped:
        console.print(f"Not part of the grid: {reason}", style="yellow", markup=False)


def _publish(store: Store, board: Board, console: Console, *, complete: bool) -> Path:
    """Print the leaderboard and write it as markdown; return where.

    A run that was stopped does not wait for intervals and tests.
    """
    records = records_on(store, board)
    if complete:
        evidence = load_or_compute(store, board, records, console.print)
    else:
        evidence = compute_values(store, board, records)
    table = build_leaderboard(board, records, evidence)
    text = markdown.render(table)
    path = store.folder("leaderboards") / f"{board.name}.md"
    fsio.replace(path, text.encode())
    out = Console()
    if out.is_terminal:
        terminal.show(table, out)
    else:
        out.file.write(text)
    if corrupt := corrupt_records(store):
        console.print(f"{corrupt} corrupt records were set aside as .bad.", style="yellow")
    console.print(f"Written to {path}", markup=False)
    return path
