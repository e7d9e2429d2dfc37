"""`benchbench export SYSTEM FOLDER`: write a stored system for use without benchbench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbench.cli.completed_names import systems
from benchbench.cli.options import store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.inference import export_system, find_system, load_predictor
from benchbench.records import existing_store
from benchbench.render import plain, terminal_console


@click.command(
    cls=Subcommand,
    rules=(
        "SYSTEM is METHOD, METHOD/BACKBONE or the beginning of a run's id; without it, the system "
        "that is first on the board. Of several seeds, it is the one that is best on validation.",
        "FOLDER gets classifier.py, which needs nothing of benchbench, a model card for the "
        "Hugging Face hub, and: an adapter in the form of peft, a model in the form of "
        "transformers, or a pipeline of scikit-learn. No file is a pickle.",
        "An adapter needs its base model. With --merge, the folder holds whole weights in "
        "bfloat16 instead.",
        "At the end, FOLDER is run in a process of its own on validation documents, and compared "
        "with the board. That takes the prepared dataset in the cache of this machine.",
        "Only installed plugins are loaded, and the command says which.",
    ),
    examples=(
        "benchbench export my-classifier",
        "benchbench export embedding-head/llama-3.2-1b my-classifier --merge",
        "benchbench export tfidf-svm my-svm --documents 1000",
    ),
)
@click.argument("names", nargs=-1, metavar="[SYSTEM] FOLDER", shell_complete=systems)
@store_option
@click.option("--merge", is_flag=True, help="Write whole weights in bfloat16, adapter included.")
@click.option(
    "--documents", type=click.IntRange(min=0), default=200, show_default=True, metavar="N",
    help="Validation documents to compare on; 0: none.",
)  # fmt: skip
@click.option("--board", metavar="NAME", help="The board of the system [the only one].")
@click.option("--dataset", metavar="NAME", help="What it was trained on [the only one].")
@click.option("--seed", type=int, metavar="N", help="The seed [the best one on validation].")
@click.option(
    "--weights", metavar="PATH", help="Folder or file of a backbone that has no name here."
)
@click.option("--offline", is_flag=True, help="Use no network.")
def export(names: tuple[str, ...], **options: Any) -> int:
    """Write a stored system for use without benchbench."""
    system_name, folder = _parts(names)
    console = terminal_console(stderr=True)
    store = existing_store(options["store"])
    chosen = {name: options[name] for name in ("board", "dataset", "seed")}
    system = find_system(store, system_name, **chosen)
    with console.status(f"Exporting {plain(system.title)}"):
        given = {name: options[name] for name in ("weights", "offline")}
        predictor = load_predictor(store, system, device="cpu", **given)
        how = {name: options[name] for name in ("merge", "documents")}
        done = export_system(store, predictor, folder, **how)
    console.print(f"{system.title}, loaded by {', '.join(predictor.plugins)}", markup=False)
    found = "Not compared with the board: the texts of its validation are not at hand."
    if options["documents"] or done.replay:
        console.print(done.replay.words() if done.replay else found, markup=False)
    console.print(f"Needs: {', '.join(done.exported.packages)}", markup=False)
    console.print(f"Written: {folder}", markup=False)
    return 0


def _parts(names: tuple[str, ...]) -> tuple[str | None, Path]:
    """Return the system, if one is named, and the folder."""
    if len(names) not in (1, 2):
        raise click.UsageError("Name a folder, or a system and a folder.")
    return (names[0] if len(names) == 2 else None), Path(names[-1])
