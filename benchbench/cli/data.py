"""`benchbench data check`: what stands out in a dataset, before anything trains on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from benchbench.analysis import DataCheck, check_data
from benchbench.catalog import Catalog, share_of
from benchbench.cli.options import selection_options
from benchbench.cli.selection import Selection, prepare_all, select
from benchbench.cli.subcommand import Subcommand
from benchbench.cli.text_tables import table_of_texts, wide_console
from benchbench.contract import Cell, HasTokenizer, Reference
from benchbench.machine import fsio
from benchbench.planning import PreparedCorpus
from benchbench.render import plain, terminal_console

FOUND = 1
MOST = 5
"""So many documents per check are named on the terminal; --output has all."""
SENTENCES = ("result",)
USUAL_TOKENS = 256


@click.command(
    cls=Subcommand,
    rules=(
        "The options that choose data are those of 'benchbench run'. With --backbone, lengths are "
        "also counted in its tokens: nothing else of the model is loaded.",
        "A check that should be looked at is marked !. Documents are named by split and id; "
        "similar texts share at least 80 % of their sets of three successive words.",
        "Exit code: 0; with --strict 1 where a check is marked; 2 for wrong usage.",
    ),
    examples=(
        "benchbench data check --csv claims.csv --text abstract --label class",
        "benchbench data check --dataset banking77 --backbone qwen3-0.6b --strict",
    ),
)
@click.argument("action", type=click.Choice(["check"]))
@selection_options
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write all checks and the documents they name to FILE, as JSON.")  # fmt: skip
def data(**options: Any) -> int:
    """Show what stands out in a dataset before anything trains on it."""
    console = wide_console()
    say = terminal_console(stderr=True).print
    strict = options.pop("strict")
    selection = select({**options, "strict": False})
    selection, corpora = prepare_all(selection, False, say)
    found = {
        dataset.name: _checked(selection, dataset, prepared, options)
        for dataset, prepared in corpora.items()
        if share_of(dataset) == 1
    }
    for name, checks in found.items():
        _show(console, name, checks)
    if options["output"]:
        content = {name: [asdict(check) for check in checks] for name, checks in found.items()}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        fsio.replace(options["output"], f"{text}\n".encode("utf-8", "backslashreplace"))
        console.print(f"Written: {options['output']}", markup=False)
    marked = any(check.warning for checks in found.values() for check in checks)
    return FOUND if strict and marked else 0


def _checked(
    selection: Selection, dataset: Reference, prepared: PreparedCorpus, options: Mapping[str, Any]
) -> list[DataCheck]:
    """Return the checks of a dataset, with tokens of the first backbone that was asked for."""
    from benchbench.kit.data import read_corpus

    cells = [cell for cell in selection.expansion.cells if cell.dataset == dataset]
    tokens, most = None, USUAL_TOKENS
    if options["backbone"]:
        cell = next((cell for cell in cells if cell.backbone is not None), None)
        if cell is not None:
            tokens, most = _tokens(selection.catalog, cell)
    corpus = read_corpus(prepared.folder, prepared.fingerprint)
    console = terminal_console(stderr=True)
    with console.status(f"Checking {plain(dataset.name)}") as status:

        def step(done: int, total: int) -> None:
            if done % 1000 == 0:
                status.update(f"Looking for similar texts: {done:,} of {total:,}")

        return check_data(corpus, tokens, most, step)


def _tokens(catalog: Catalog, cell: Cell) -> tuple[Callable[[str], int] | None, int]:
    """Return a function that counts tokens, and how many a document may have."""
    assert cell.backbone is not None
    backbone = catalog.backbone(cell.backbone.use)
    params = catalog.resolved("method", cell.method)
    most = int(params.get("document_tokens", USUAL_TOKENS))
    if not isinstance(backbone, HasTokenizer):
        return None, most
    tokenizer = backbone.tokenizer(catalog.resolved("backbone", cell.backbone))
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]), most


def _show(console: Console, name: str, checks: Sequence[DataCheck]) -> None:
    """Print the table of a dataset, and the first documents that its checks name."""
    console.print(Text(plain(name), style="bold"))
    rows = [["!" if check.warning else "", check.name, check.result] for check in checks]
    console.print(table_of_texts(["", "check", "result"], rows, SENTENCES, console.width))
    for check in checks:
        if not check.warning or not check.findings:
            continue
        left = len(check.findings) - MOST
        more = f" (the first {MOST} of {len(check.findings):,})" if left > 0 else ""
        console.print(Text(f"{check.name}{more}:", style="bold"))
        for one in check.findings[:MOST]:
            other = f" and {one.other_id} ({one.other_split})" if one.other_id else ""
            detail = f": {one.detail}" if one.detail else ""
            console.print(Text(plain(f"  {one.id} ({one.split}){other}{detail}")))
    console.print()
