"""`benchbench leaderboard`: render, publish and check boards, from files alone."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
from rich.console import Console

from benchbench.cli.selection import store_option
from benchbench.contract import BenchbenchError
from benchbench.evidence import evidence_by, read_board, records_on
from benchbench.leaderboard import Leaderboard, build_leaderboard
from benchbench.machine import fsio
from benchbench.publishing import check_folder, opened, publish_board
from benchbench.records import Store, list_names
from benchbench.render import terminal

SOME_WRONG = 1
TEXT_FORMS = ("markdown", "html", "csv", "json", "latex")


@click.command()
@click.argument("name", required=False)
@store_option
@click.option("--format", "form", type=click.Choice(["terminal", *TEXT_FORMS]),
              help="[terminal on a terminal, else markdown]")  # fmt: skip
@click.option(
    "--metric",
    metavar="NAME",
    help="Rank by this metric, with intervals and tests of it [the main metric of each dataset].",
)
@click.option(
    "--table",
    default="ranking",
    show_default=True,
    help="With --format csv: which table (ranking, pairs, metrics, calibration, ...).",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to FILE and not to the terminal.",
)
@click.option(
    "--publish",
    "target",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the markdown, and packed all it is derived from, to FOLDER.",
)
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path),
    metavar="[FOLDER]",
    is_flag=False,
    flag_value=Path("leaderboards"),
    help="Check that what is published in FOLDER [leaderboards] is what its records give.",
)
def leaderboard(
    name: str | None,
    store: Path,
    form: str | None,
    metric: str | None,
    table: str,
    output: Path | None,
    target: Path | None,
    checked: Path | None,
) -> int:
    """Print the leaderboard NAME (default: the only one), publish it, or check published ones.

    --store takes a store's folder, or the archive of a published leaderboard.
    """  # fmt: skip
    console = Console()
    if checked is not None:
        return _check(checked, console)
    with opened(store) as source:
        name = board_name(source, name)
        if target is not None:
            published = publish_board(source, name, target)
            console.print(f"Written: {published.markdown}, {published.archive}", markup=False)
            return 0
        board = read_board(source, name)
        records = records_on(source, board)
        say = Console(stderr=True, highlight=False).print
        evidence = evidence_by(source, board, records, metric, say)
        built = build_leaderboard(board, records, evidence)
    if form is None:
        form = "terminal" if console.is_terminal and output is None else "markdown"
    if form == "terminal" and output is None:
        terminal.show(built, console)
        return 0
    text = _renderer(form, table, built)(built)
    if output is None:
        console.file.write(text)
        return 0
    fsio.replace(output, text.encode("utf-8", "backslashreplace"))
    console.print(f"Written: {output}", markup=False)
    return 0


def board_name(store: Store, name: str | None) -> str:
    """Return the board that was asked for, or the only one."""
    names = list_names(store, "boards")
    if name is None and len(names) != 1:
        known = ", ".join(names) or "none; 'benchbench run' makes one"
        raise BenchbenchError(f"Which board? There are: {known}.")
    return name or names[0]


def _renderer(form: str, table: str, board: Leaderboard) -> Callable[[Leaderboard], str]:
    """Return what makes the text; each form is imported when it is asked for."""
    if form == "terminal":
        raise BenchbenchError("--format terminal writes to no file; leave --output out.")
    render = import_module(f"benchbench.render.{form}").render
    if form != "csv":
        return render  # type: ignore[no-any-return]
    known = list(dict.fromkeys(each.key for one in board.sections for each in one.tables))
    if table not in known:
        raise BenchbenchError(f"--table {table}: no such table. Available: {', '.join(known)}.")
    return lambda built: str(render(built, table))


def _check(folder: Path, console: Console) -> int:
    """Print a line for every published leaderboard; return whether one is not in order."""
    wrong = 0
    for name, fault in check_folder(folder):
        console.print(f"{name}: {fault or 'is what its records give'}", markup=False)
        wrong += bool(fault)
    return SOME_WRONG if wrong else 0
