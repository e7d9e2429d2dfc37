"""`benchbench ls`: list what is installed, what was run and what is cached."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from rich.text import Text

from benchbench.cli.listings import LISTINGS
from benchbench.cli.options import store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.cli.text_tables import table_of_texts, wide_console
from benchbench.planning import CACHE, cache_folder
from benchbench.render import plain


def names_and_contents() -> Iterable[tuple[str, str]]:
    """Return the name and the content of every list."""
    return ((name, listing.help) for name, listing in LISTINGS.items())


@click.command(
    cls=Subcommand,
    terms={"Lists": names_and_contents},
    rules=(
        "A plugin is a package with an entry point in the group 'benchbench'. Plugins are code "
        "that runs with your rights: install those that you trust. BENCHBENCH_DISABLE_PLUGINS=a,b "
        "leaves plugins out.",
        "'benchbench ls runs' works from files alone and loads no plugin.",
        "You may delete a cache at any time. What is needed again is made again.",
    ),
    examples=("benchbench ls parameters", "benchbench ls runs --store benchbench-runs"),
)
@click.argument("name", metavar="LIST", type=click.Choice(list(LISTINGS)))
@store_option
def ls(name: str, store: Path) -> int:
    """List plugins, datasets, methods, backbones, parameters, grids, runs or caches."""
    console = wide_console()
    listing = LISTINGS[name]
    rows = listing.rows(store)
    console.print(table_of_texts(listing.columns, rows, listing.sentences, console.width))
    if name == "caches":
        console.print(Text(_advice()), soft_wrap=True)
    return 0


def _advice() -> str:
    return (
        f"They are in {plain(str(cache_folder()))}; {CACHE} names another folder. To free the "
        "space, use 'benchbench clean --cache KIND', or delete the folder or parts of it: what is "
        "needed again is made again."
    )
