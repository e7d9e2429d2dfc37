"""`benchbench leaderboard`: render, publish and check boards, from files alone."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from benchbench.board import read_board, records_on
from benchbench.cli.selection import store_option
from benchbench.errors import BenchbenchError
from benchbench.leaderboard import build
from benchbench.publication import check_folder, publish_board
from benchbench.render import markdown, terminal
from benchbench.store import documents, existing_store

SOME_WRONG = 1


@click.command()
@click.argument("name", required=False)
@store_option
@click.option("--format", "form", type=click.Choice(["terminal", "markdown"]),
              help="[terminal on a terminal, else markdown]")  # fmt: skip
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
    name: str | None, store: Path, form: str | None, target: Path | None, checked: Path | None
) -> int:  # fmt: skip
    """Print the leaderboard NAME (default: the only one), publish it, or check published ones."""
    console = Console()
    if checked is not None:
        return _check(checked, console)
    opened = existing_store(store)
    names = documents(opened, "boards")
    if name is None and len(names) != 1:
        known = ", ".join(names) or "none; 'benchbench run' makes one"
        raise BenchbenchError(f"Which board? There are: {known}.")
    name = name or names[0]
    if target is not None:
        published = publish_board(opened, name, target)
        console.print(f"Written: {published.markdown}, {published.archive}", markup=False)
        return 0
    board = read_board(opened, name)
    table = build(board, records_on(opened, board))
    if form == "terminal" or (form is None and console.is_terminal):
        terminal.show(table, console)
    else:
        console.file.write(markdown.render(table))
    return 0


def _check(folder: Path, console: Console) -> int:
    """Print a line for every published leaderboard; return whether one is not in order."""
    wrong = 0
    for name, fault in check_folder(folder):
        console.print(f"{name}: {fault or 'is what its records give'}", markup=False)
        wrong += bool(fault)
    return SOME_WRONG if wrong else 0
