"""`benchbench verify`: compute a published leaderboard again from its predictions."""

from __future__ import annotations

from pathlib import Path

import click

from benchbench.cli.subcommand import Subcommand
from benchbench.publishing import verify as verify_folder
from benchbench.render import plain, terminal_console

SOME_WRONG = 1


@click.command(
    cls=Subcommand,
    rules=(
        "FOLDER holds published leaderboards (NAME.md with NAME.zip), or is a store.",
        "Every metric, interval, test and table is computed again from the predictions. Each file "
        "that disagrees is named with what disagrees.",
        "This proves that the numbers follow from the predictions. It cannot prove that a model "
        "made the predictions.",
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
    for finding in verify_folder(folder):
        wrong += bool(finding.faults)
        agreeing += not finding.faults
        if finding.faults:
            console.print(f"WRONG  {plain(finding.line)}", style="bold red")
        elif not quiet:
            console.print(f"ok     {plain(finding.line)}")
    console.print(
        f"{agreeing} agree, {wrong} disagree. What agrees follows from the predictions; "
        "whether a model made them is not proven."
    )
    return SOME_WRONG if wrong else 0
