"""`benchbench verify`: compute a published leaderboard again from its predictions."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from benchbench.publishing import verify as verify_folder
from benchbench.render import plain

SOME_WRONG = 1


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("leaderboards"))
@click.option("--quiet", is_flag=True, help="Print what disagrees, and the last line.")
def verify(folder: Path, quiet: bool) -> int:
    """Recompute every metric, test and table of FOLDER [leaderboards] from its predictions.

    FOLDER holds published leaderboards (NAME.md with NAME.zip), or is a store. That the numbers
    follow from the predictions is what this proves; not that a model was run.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
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
