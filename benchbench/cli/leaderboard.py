"""`benchbench leaderboard`: print, publish and check leaderboards, from files alone."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchbench.analysis import holds_texts, with_mistakes
from benchbench.cli.board_view import BoardView
from benchbench.cli.completed_names import boards
from benchbench.cli.options import price_option, store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.contract import BenchbenchError
from benchbench.evidence import evidence_by, read_board, records_on
from benchbench.leaderboard import Leaderboard, build_leaderboard
from benchbench.machine import fsio
from benchbench.publishing import check_folder, opened, publish_board
from benchbench.records import Store, list_names
from benchbench.render import format_names, load_format, plain, terminal_console

SOME_WRONG = 1


def formats() -> Iterable[tuple[str, str]]:
    """Return the name of every output format and what it is."""
    return ((name, load_format(name).help) for name in format_names())


@click.command(
    cls=Subcommand,
    terms={"Formats": formats},
    rules=(
        "The command works from the files of a store, or of the archive of a published "
        "leaderboard (--store NAME.zip). It needs no plugin, no model and no network.",
        "The HTML report says what the first system gets wrong, with the beginnings of texts where "
        "the prepared dataset is in the cache of this machine. The report of an archive has none.",
        "--publish writes NAME.md and NAME.zip. The archive holds the board, the evidence, the "
        "records and the predictions: ids, labels and scores, no text and no weights.",
        "--check computes the markdown of every archive again, and holds the board against its "
        "records and datasets. 'benchbench verify' also computes every number again.",
        "Exit code: 0 if all is well, 1 if --check finds a difference, 2 for wrong usage.",
    ),
    examples=(
        "benchbench leaderboard --output report.html",
        "benchbench leaderboard default --publish leaderboards",
    ),
)
@click.argument("name", required=False, shell_complete=boards)
@store_option
@click.option(
    "--format",
    "form",
    type=click.Choice(format_names()),
    metavar="FORMAT",
    help="The output format [terminal on a terminal, that of FILE's name, else markdown].",
)
@click.option(
    "--metric",
    metavar="NAME",
    help="Rank by this metric, with its intervals and tests [each dataset's main metric].",
)
@click.option(
    "--table",
    default="ranking",
    show_default=True,
    metavar="NAME",
    help="With --format csv or terminal: the table, as in pairs, metrics or confusions.",
)
@click.option(
    "--all",
    "whole",
    is_flag=True,
    help="On a terminal: all columns, in as many tables as that takes, and all notes.",
)
@price_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to FILE instead of the terminal.",
)
@click.option(
    "--publish",
    "target",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the markdown to FOLDER, with an archive of all it is derived from.",
)
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path),
    metavar="[FOLDER]",
    is_flag=False,
    flag_value=Path("leaderboards"),
    help="Check the leaderboards published in FOLDER [leaderboards] against their archives.",
)
def leaderboard(
    name: str | None, store: Path, target: Path | None, checked: Path | None, **how: Any
) -> int:
    """Print the leaderboard NAME [the only one], publish it, or check published ones."""
    console = terminal_console()
    if checked is not None:
        return _check(checked, console)
    with opened(store) as source:
        name = board_name(source, name)
        if target is not None:
            published = publish_board(source, name, target)
            console.print(f"Written: {published.markdown}, {published.archive}", markup=False)
            return 0
        view = BoardView(**how).settled(console)
        # what is published holds no text, so that a report of it holds none either
        built = _built(source, name, view, texts=store.is_dir())
    content = view.text(built).encode("utf-8", "backslashreplace")
    if view.output is None:
        _print(content, console, screen_only=view.format.screen_only)
        return 0
    fsio.replace(view.output, content)
    texts = " It holds texts of documents." if holds_texts(built.sections) else ""
    console.print(f"Written: {view.output}{'.' if texts else ''}{texts}", markup=False)
    return 0


def _built(source: Store, name: str, view: BoardView, *, texts: bool) -> Leaderboard:
    """Return a leaderboard with all that the view shows."""
    board = read_board(source, name)
    records = records_on(source, board)
    say = terminal_console(stderr=True).print
    evidence = evidence_by(source, board, records, view.metric, say)
    built = build_leaderboard(board, records, evidence, view.price_per_hour)
    return with_mistakes(built, source, board, texts=texts) if view.format.mistakes else built


def _print(content: bytes, console: Console, *, screen_only: bool) -> None:
    """Print a leaderboard: plain on a terminal, and with every character into a pipe or a file."""
    exact = getattr(sys.stdout, "unfiltered", sys.stdout)
    out = console.file if screen_only else sys.stdout if exact.isatty() else exact
    out.write(content.decode())


def board_name(store: Store, name: str | None) -> str:
    """Return the board that was asked for, or the only one."""
    names = list_names(store, "boards")
    if name is None and len(names) != 1:
        known = ", ".join(names) or "none; 'benchbench run' makes one"
        raise BenchbenchError(f"Which board? There are: {known}.")
    return name or names[0]


def _check(folder: Path, console: Console) -> int:
    """Print a line for every published leaderboard; return whether one is not in order."""
    wrong = 0
    for name, fault in check_folder(folder):
        line = plain(f"{name}: {fault or 'is what its records give'}")
        console.print(line, markup=False)
        wrong += bool(fault)
    return SOME_WRONG if wrong else 0
