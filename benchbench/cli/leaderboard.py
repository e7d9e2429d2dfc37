"""`benchbench leaderboard`: render a frozen board from the store's files alone."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from benchbench.board import read_board, records_on
from benchbench.cli.selection import store_option
from benchbench.errors import BenchbenchError
from benchbench.leaderboard import build
from benchbench.render import markdown, terminal
from benchbench.store import documents, existing_store


@click.command()
@click.argument("name", required=False)
@store_option
@click.option("--format", "form", type=click.Choice(["terminal", "markdown"]),
              help="[terminal on a terminal, else markdown]")  # fmt: skip
def leaderboard(name: str | None, store: Path, form: str | None) -> int:
    """Print the leaderboard NAME (default: the only one)."""
    opened = existing_store(store)
    names = documents(opened, "boards")
    if name is None and len(names) != 1:
        known = ", ".join(names) or "none; 'benchbench run' makes one"
        raise BenchbenchError(f"Which board? There are: {known}.")
    board = read_board(opened, name or names[0])
    table = build(board, records_on(opened, board))
    console = Console()
    if form == "terminal" or (form is None and console.is_terminal):
        terminal.show(table, console)
    else:
        console.file.write(markdown.render(table))
    return 0
