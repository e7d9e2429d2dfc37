"""`benchbench run`: run what is missing, print the leaderboard, write it down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchbench.cli.board_of_run import board_of_run
from benchbench.cli.grid_run import printer, run_cells
from benchbench.cli.heartbeat import still_at_work
from benchbench.cli.options import (
    execution_option,
    jobs_option,
    price_of_run_option,
    result_option,
    selection_options,
    threads_option,
    timeout_option,
)
from benchbench.cli.run_tables import write_tables
from benchbench.cli.seed_advice import seed_advice
from benchbench.cli.selection import (
    Selection,
    executor_settings,
    planned,
    prepare_all,
    select,
    share,
)
from benchbench.cli.subcommand import Subcommand
from benchbench.contract import BenchbenchError, Executor, MayBeRemote, StoreError
from benchbench.evidence import (
    read_board,
    records_on,
    write_board,
)
from benchbench.leaderboard import Leaderboard
from benchbench.machine import fsio, held_together
from benchbench.planning import PlannedCell, open_cache
from benchbench.records import Store, corrupt_records, open_store, publishable_description
from benchbench.render import terminal_console
from benchbench.render.formats import markdown, terminal
from benchbench.running import LOCAL, Settings, Suite, events_to, failed

SOME_FAILED = 1
RAY = "ray"
"""--ray-address is short for --set ray.address, as --csv is for --set csv.path."""
RULES = (
    "A cell is one method on one backbone, one dataset and one seed. A grid is a set of cells.",
    "Without --grid, the grid 'own-data' runs embedding-head, instruction, tfidf-svm and majority "
    "on your datasets and backbones.",
    "Without --validation and --test, a stratified split is made. Rows with the same value in "
    "the --group column stay in one split.",
    "A bad row is an error that names file, line and remedy. --set csv.on_bad_row=skip skips and "
    "counts bad rows, up to 1 % of all rows.",
    "'benchbench ls parameters' lists what --set takes. NAME.PARAM=VALUE sets a parameter of one "
    "method, dataset, backbone or executor; PARAM=VALUE sets it wherever it exists.",
    "From three seeds on, intervals, tests and ranks are about the methods; with fewer, they are "
    "about these trained models. Your own table is run with the seeds 0, 1 and 2 where something "
    "trains.",
    "With very many labels, the instruction methods are faster with --set scoring=certified (the "
    "best three labels stay the same, but ECE, NLL and temperature are not known) or "
    "--set instruction.verbalizer=code.",
    "With --learning, every cell is also trained on an eighth, a quarter and a half of the "
    "training documents; validation and test stay. The board shows the scores by their number, and "
    "what twice the labels are expected to give. Rankings and tests use the full training alone.",
    "A run that --only, --seeds, --limit or --set narrows has a board of its own, as in "
    "default-only-tfidf-svm. --name names a board.",
    "Only cells that are missing, failed or stale run. A stopped run goes on when it is started "
    "again; a finished one prints its leaderboard at once.",
    "A training saves its state now and then, in at most 2 % of its time. A cell that was stopped, "
    "was killed or met --timeout goes on from there, to the same result. With --no-checkpoints or "
    "--no-cache it starts again.",
    "The cells that take least time run first. The time of the grid is estimated before the first "
    "cell and corrected after each. Without a terminal, a running cell has a line every 30 s.",
    "Every cell runs in a process of its own. A cell that fails, diverges, runs out of memory or "
    "takes longer than --timeout is listed under the leaderboard with its reason. The others go "
    "on.",
    "On a GPU, models are held in 4-bit NF4 and computed in bfloat16 (float16 before Ampere). On "
    "a CPU, the same 4-bit weights are computed in float32.",
    "Prepared datasets, token ids and features of frozen models are kept in ~/.cache/benchbench, "
    "or in BENCHBENCH_CACHE. A cached result is charged to the cell as if the cell had computed "
    "it.",
    "With benchbench[energy] and one cell at a time, the energy of every cell is measured. Where "
    "the counters of the CPU cannot be read, it is an estimate.",
    "With --executor ray, cells run on a Ray cluster. GPU detection happens on the machine that "
    "you start from.",
    "The store holds one record per attempt, the predictions, adapters and heads, and the "
    "leaderboard as markdown.",
    "Exit code: 0 if no cell failed, 1 if a cell failed, 2 for wrong usage, 130 if stopped.",
)


@click.command(
    cls=Subcommand,
    rules=RULES,
    examples=(
        "benchbench run --csv train.csv --text title,abstract --label class \\\n"
        "    --backbone qwen3-0.6b --backbone ./my-llama --seeds 0,1,2",
        "benchbench run --grid default",
    ),
)
@selection_options
@jobs_option
@threads_option
@timeout_option
@execution_option("--fail-fast", is_flag=True, help="Stop at the first cell that fails.")
@execution_option("--force", is_flag=True, help="Run cells again even if they have a result.")
@execution_option(
    "--no-cache",
    is_flag=True,
    help="Read and compute everything anew, and keep nothing for later runs.",
)
@execution_option(
    "--no-checkpoints",
    is_flag=True,
    help="Do not save the states of trainings, so that a cell that is stopped starts again.",
)
@execution_option(
    "--executor",
    default=LOCAL,
    show_default=True,
    metavar="NAME",
    help="Where cells run: on this machine, or by an executor of a plugin (ray).",
)
@execution_option(
    "--ray-address",
    metavar="HOST:PORT",
    help="With --executor ray: the cluster's address, or auto.",
)
@price_of_run_option
@result_option(
    "--watch-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append what happens to this file, as JSON lines: cells that began, steps, and ends.",
)
@result_option("--quiet", is_flag=True, help="Print the leaderboard only.")
def run(**options: Any) -> int:
    """Run methods on your table, or a grid, and print the leaderboard."""
    console = _console(options["quiet"])
    selection = select(options)
    settings = _settings(options, selection, printer(console))
    store = open_store(options["store"])
    caches = click.get_current_context().with_resource(_caches(store, settings.cache))
    _watch(options["watch_file"], selection)
    with still_at_work(printer(console), "Planning the cells") as say:
        selection, corpora = prepare_all(selection, options["strict"], say, caches)
        for corpus in corpora.values():
            for warning in corpus.description.report.warnings:
                console.print(f"Warning: {warning}", style="yellow", markup=False)
        context, cells = planned(selection, corpora, store, options)
    _announce(console, selection, cells)
    name, line = selection.name.settled((cell.id for cell in cells), store)
    if line:
        printer(console)(line)
    finished = False
    try:
        run_cells(Suite(context, corpora, settings), cells, console)
        finished = True
    finally:
        described = {
            reference: publishable_description(corpus.description, reference.paths)
            for reference, corpus in corpora.items()
        }
        board = board_of_run(name, selection, cells, described, sys.argv[1:])
        write_board(store, board, described.values())
        with still_at_work(printer(console), "Making the leaderboard") as say:
            written = write_tables(store, board, selection.catalog, say, complete=finished)
        table = written.leaderboard(options["price_per_hour"])
        _show(table)
        if corrupt := corrupt_records(store):
            console.print(f"{corrupt} corrupt records were set aside as .bad.", style="yellow")
        markdown_path = options["store"] / "leaderboards" / f"{board.name}.md"
        console.print(f"Written to {markdown_path}", markup=False)
    for line in filter(None, (seed_advice(read_board(store, board.name)), selection.grid.closing)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    out = terminal_console()
    terminal.show_verdict(table, out if out.is_terminal else console)
    return SOME_FAILED if failed(records_on(store, board).values()) else 0


def _console(quiet: bool) -> Console:
    """Return a console that moves the cursor on a terminal alone, whatever FORCE_COLOR says."""
    return terminal_console(
        stderr=True, quiet=quiet, force_interactive=None if sys.stderr.isatty() else False
    )


def _settings(
    options: dict[str, Any], selection: Selection, say: Callable[[str], None]
) -> Settings:
    """Return how to run; what is wrong with the executor is told before any work."""
    executor = _executor(options, selection)
    jobs, threads = share(options, selection)
    if isinstance(executor, MayBeRemote) and executor.remote:
        jobs, threads = options["jobs"] or 1, options["threads"] or 1
    cache = None if options["no_cache"] else _cache(say)
    checkpoints = not (options["no_checkpoints"] or options["no_cache"])
    return Settings(
        jobs, threads, options["timeout"], options["fail_fast"], executor, cache, checkpoints
    )


def _cache(say: Callable[[str], None]) -> Path | None:
    """Return the folder of caches; None, and a line, where it cannot be used or trusted."""
    try:
        return open_cache()
    except StoreError as error:
        say(f"Nothing is cached in this run: {error}")
        return None


@contextmanager
def _caches(store: Store, cache: Path | None) -> Iterator[Path]:
    """Give where corpora are prepared: the cache, or else a folder that goes with this run.

    The store and the cache are held meanwhile, so that 'benchbench clean' leaves them alone.
    """
    with held_together(store.root):
        if cache is not None:
            with held_together(cache):
                fsio.sweep(cache)
                yield cache
            return
        folder = fsio.scratch_folder(store.root)
        try:
            yield folder
        finally:
            fsio.remove_folder(folder)


def _watch(file: Path | None, selection: Selection) -> None:
    """Let a file be told what happens, if one was named; raise StoreError at once."""
    if file is not None:
        watcher = click.get_current_context().with_resource(events_to(file))
        selection.catalog.manager.register(watcher)


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


def _announce(console: Console, selection: Selection, cells: list[PlannedCell]) -> None:
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell.state] = counts.get(cell.state, 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    device = selection.device
    noun = "cell" if len(cells) == 1 else "cells"
    console.print(f"{len(cells)} {noun} ({told}) on {device.name}, {device.dtype}", markup=False)
    for line in selection.grid.replaced:
        printer(console)(line)
    for reason in selection.expansion.dropped:
        console.print(f"Not part of the grid: {reason}", style="yellow", markup=False)


def _show(table: Leaderboard) -> None:
    """Print the leaderboard on standard output: as tables on a terminal, else as markdown."""
    out = terminal_console()
    if out.is_terminal:
        terminal.show(table, out)
    else:
        sys.stdout.write(markdown.render(table))
