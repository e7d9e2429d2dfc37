"""`benchbench verify`: compute a published leaderboard again from its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from benchbench.cli.subcommand import Subcommand
from benchbench.publishing import verify as verify_folder
from benchbench.render import plain, terminal_console

SOME_WRONG = 1


@click.command(
    cls=Subcommand,
    rules=(
        "FOLDER holds published leaderboards (NAME.md with NAME.zip), or is a store.",
        "Every metric, interval, test and table is computed again from the predictions. All that "
        "the board shows beside them is held against the records, the datasets and the "
        "documents. Each file that disagrees is named with what disagrees.",
        "What files cannot prove, such as that a model made the predictions, is listed at the end.",
        "The command works from files alone: it needs no plugin, no model and no network.",
        "Exit code: 0 if all agree, 1 if something disagrees, 2 for wrong usage.",
    ),
    examples=("benchbench verify leaderboards", "benchbench verify benchbench-runs --quiet"),
)
@click.argument("folder", type=click.Path(path_type=Path), default=Path("leaderboards"))
@click.option("--quiet", is_flag=True, help="Print only what disagrees, and the last line.")
def verify(folder: Path, quiet: bool) -> int:
    """Compute the leaderboards of FOLDER [leaderboards] again from their predictions."""
    console = terminal_console(soft_wrap=True)
    wrong = agreeing = 0
    open_ends: dict[str, list[str]] = {}
    for finding in verify_folder(folder):
        if finding.unproven:
            open_ends.setdefault(finding.unproven, []).append(finding.place)
            continue
        wrong += bool(finding.faults)
        agreeing += not finding.faults
        if finding.faults:
            console.print(f"WRONG  {plain(finding.line)}", style="bold red")
        elif not quiet:
            console.print(f"ok     {plain(finding.line)}")
    if open_ends and not quiet:
        _print_unproven(console, open_ends)
    console.print(
        f"{agreeing} agree, {wrong} disagree. What agrees follows from the predictions; "
        "whether a model made them is not proven."
    )
    return SOME_WRONG if wrong else 0


def _print_unproven(console: Console, lines: Mapping[str, list[str]]) -> None:
    """Print what files cannot prove, with the boards that it is about unless it is about all."""
    boards = {board for of in lines.values() for board in of}
    console.print("Not proven by these files:")
    for line, of in lines.items():
        console.print(f"  - {plain(line)}" + (f" ({', '.join(of)})" if {*of} != boards else ""))
