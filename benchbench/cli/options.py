"""The options that several subcommands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from benchbench.cli.completed_names import DEFAULT_STORE, installed
from benchbench.cli.finite_range import FiniteRange
from benchbench.cli.subcommand import Option
from benchbench.grids import SHARES

Function = TypeVar("Function", bound=Callable[..., Any])

table_option = partial(click.option, cls=Option, section="Your own table")
cell_option = partial(click.option, cls=Option, section="Choice of cells")
execution_option = partial(click.option, cls=Option, section="Execution")
result_option = partial(click.option, cls=Option, section="Results")

CSV_OPTIONS = {
    name: name
    for name in (
        "validation", "test", "text", "label", "label_separator", "id", "group", "weight",
    )
} | {"label_list": "labels_are_lists"}  # fmt: skip
"""The options that go with --csv, and the parameters that they set of the dataset `csv`.

`label_list` is also a parameter of methods, which `--set label_list=never` is about.
"""

USUAL_SHARES = ",".join(f"{share:g}" for share in reversed(SHARES))
"""The shares of `--learning` alone."""
STORE: dict[str, Any] = {
    "type": click.Path(path_type=Path),
    "default": Path(DEFAULT_STORE),
    "show_default": True,
    "metavar": "FOLDER",
    "help": "Folder of records, predictions, artefacts and leaderboards.",
}
"""What `--store` is; `run` and `plan` show it among their results."""
store_option = click.option("--store", cls=Option, **STORE)
PRICE: dict[str, Any] = {
    "type": FiniteRange(min=0),
    "metavar": "PRICE",
    "help": "Price of the machine per hour: costs are told in money, too.",
}
"""What `--price-per-hour` is; `run` shows it among its results."""
price_option = click.option("--price-per-hour", cls=Option, **PRICE)
price_of_run_option = result_option("--price-per-hour", **PRICE)
jobs_option = execution_option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Cells that run at the same time [the grid's number, else 1].",
)
threads_option = execution_option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads per cell [cores / jobs].",
)
timeout_option = execution_option(
    "--timeout",
    type=FiniteRange(min=0.1),
    metavar="SECONDS",
    help="Stop a cell that takes longer. What met a smaller limit runs again.",
)


def selection_options(function: Function) -> Function:
    """Add the options that choose cells, and the store, to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = [
    table_option("--csv", metavar="FILE",
                 help="A table of your own: CSV, TSV, JSON, JSONL or Parquet, also .gz."),
    table_option("--validation", metavar="FILE", help="Table to validate on [a split of --csv]."),
    table_option("--test", metavar="FILE", help="Table to test on [a split of --csv]."),
    table_option("--text", metavar="COLUMN", help="Text column. Several are separated by commas "
                 "and joined in that order."),
    table_option("--label", metavar="COLUMN", help="Label column. Several, separated by commas, "
                 "hold 0 or 1 and are one label each."),
    table_option("--label-separator", metavar="TEXT",
                 help="What separates the labels of a row that has several."),
    table_option("--label-list", is_flag=True, help="The label column holds JSON lists."),
    table_option("--id", metavar="COLUMN", help="Column of document ids."),
    table_option("--group", metavar="COLUMN",
                 help="Column of groups; the rows of a group stay in one split."),
    table_option("--weight", metavar="COLUMN", help="Column of document weights for training."),
    cell_option("--grid", metavar="NAME", shell_complete=installed("grids"),
                help="A named grid (see 'benchbench ls grids') or a TOML file."),
    cell_option("--dataset", multiple=True, metavar="NAME",
                shell_complete=installed("datasets"), help="A dataset's name or path, in "
                "place of the grid's datasets. Repeatable."),
    cell_option("--method", multiple=True, metavar="NAME",
                shell_complete=installed("methods"), help="A method's name, in place of the "
                "grid's methods. Repeatable."),
    cell_option("--backbone", multiple=True, metavar="NAME",
                shell_complete=installed("backbones"), help="A backbone's name, a folder or "
                "a hub id, in place of the grid's backbones. Repeatable."),
    cell_option("--seeds", metavar="N,N,...", help="Seeds, as in 0,1,2 [the grid's seeds]."),
    cell_option("--limit", type=click.IntRange(min=1), metavar="N", help="Keep N documents per "
                "split: a seeded sample that has every class."),
    cell_option("--learning", is_flag=False, flag_value=USUAL_SHARES, metavar="[SHARE,...]",
                help="Train on these shares of the training documents, too, and tell what more "
                f"labels would give [{USUAL_SHARES}]."),
    cell_option("--set", multiple=True, metavar="NAME.PARAM=VALUE",
                help="Set a parameter. Repeatable."),
    cell_option("--only", multiple=True, metavar="NOUN=NAME", help="Narrow the grid, as in "
                "dataset=a,method=b,method=c (method b or c on dataset a). Repeatable."),
    execution_option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto",
                     show_default=True, help="Where models run; auto takes a GPU if torch can use "
                     "one."),
    execution_option("--offline", is_flag=True, help="Never use the network."),
    execution_option("--strict", is_flag=True, help="Stop if a text stands in two splits."),
    result_option("--name", help="Name of the board [the grid's or the dataset's name]."),
    result_option("--store", **STORE),
]  # fmt: skip
