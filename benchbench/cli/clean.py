"""`benchbench clean`: remove what no board of a store needs, and caches."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from benchbench.cli.byte_sizes import size_text
from benchbench.cli.options import store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.cli.text_tables import table_of_texts, wide_console
from benchbench.planning import cache_folder
from benchbench.render import plain
from benchbench.upkeep import Removal, cache_usage, remove, waste_held

SOME_LEFT = 1
COLUMNS = ("what", "why", "number", "size")
REASONS = {
    "attempts": "no board shows them",
    "predictions": "of attempts that no board shows",
    "artefacts": "fitted models of attempts that no board shows",
    "training states": "their cells ended, or are on no board",
    "temporaries": "left behind by killed processes",
}
"""Why things of each kind can go; an entry of a cache can be made again."""


@click.command(
    cls=Subcommand,
    rules=(
        "Without --yes, nothing is removed: a table shows what would go.",
        "What a board of the store needs stays: the attempts that it shows, their predictions and "
        "fitted models, and those that they were made of. All earlier and failed attempts go. In "
        "a store without a board, attempts stay.",
        "The state of a training goes when its cell has ended. That of a cell on no board goes "
        "after a day.",
        "Entries of caches go only with --cache. What is needed again is made again, which takes "
        "time. 'benchbench ls caches' lists the kinds.",
        "Only files that benchbench wrote are removed, and no link is followed.",
        "While a run uses the store or the caches, the command refuses. Ray workers on other "
        "machines are not seen: stop the cluster before you clear their caches.",
        "Exit code: 0, or 1 if the system refused to remove something, 2 for wrong usage.",
    ),
    examples=(
        "benchbench clean",
        "benchbench clean --store benchbench-runs --yes",
        "benchbench clean --cache features --cache states --yes",
    ),
)
@store_option
@click.option(
    "--cache",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Remove this kind of cache too, or all. Repeatable.",
)
@click.option("--yes", is_flag=True, help="Remove what the table shows.")  # fmt: skip
def clean(store: Path, kinds: tuple[str, ...], yes: bool) -> int:
    """Remove what no board of a store needs, and caches."""
    console = wide_console()
    root = None if kinds and not store.exists() else store
    with waste_held(root, cache_folder(), kinds) as waste:
        if waste.removals:
            rows = _rows(waste.removals)
            console.print(table_of_texts(COLUMNS, rows, ("why",), console.width))
        left = list(remove(waste.removals)) if yes else []
    total = sum(removal.size for removal in waste.removals)
    lost = sum(removal.size for removal in left)
    if waste.boards == 0:
        console.print("The store has no board, so its attempts stay.")
    if yes:
        console.print(f"Removed: {size_text(total - lost)}.")
    elif waste.removals:
        console.print(f"Nothing was removed. With --yes, {size_text(total)} would go.")
    else:
        console.print("There is nothing to remove.")
    if not kinds and (cached := sum(usage.size for usage in cache_usage(cache_folder()))):
        console.print(f"Caches hold {size_text(cached)} more: see --cache.")
    for removal in left:
        sys.stderr.write(
            f"benchbench: {plain(str(removal.path))} could not be removed. Check your "
            "permissions.\n"
        )
    return SOME_LEFT if left else 0


def _rows(removals: Iterable[Removal]) -> list[tuple[str, str, str, str]]:
    """Return one row per kind of thing, in the order in which they came."""
    of_kind: dict[str, list[Removal]] = {}
    for removal in removals:
        of_kind.setdefault(removal.kind, []).append(removal)
    return [
        (
            kind,
            REASONS.get(kind, "made again when it is needed"),
            str(len(some)),
            size_text(sum(removal.size for removal in some)),
        )
        for kind, some in of_kind.items()
    ]
