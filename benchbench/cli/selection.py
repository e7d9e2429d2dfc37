"""The options that say which cells: shared by `run` and `plan`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from benchbench.catalog import Catalog, load_catalog
from benchbench.contract import BenchbenchError, Reference, UnknownName, Value
from benchbench.grids import (
    CORES,
    Expansion,
    Grid,
    Overrides,
    dataset_member,
    expand,
    find_backbone,
    find_dataset,
    find_method,
    parse_only,
    read_grid,
)
from benchbench.machine import Device, find_device, share_of_cores
from benchbench.planning import PlanContext, PlannedCell, PreparedCorpus, plan_cells, prepare
from benchbench.records import Store, check_name

Function = TypeVar("Function", bound=Callable[..., Any])
CSV_OPTIONS = (
    "validation", "test", "text", "label", "label_separator", "label_list", "id", "group",
    "weight",
)  # fmt: skip
OWN_DATA = "own-data"
store_option = click.option(
    "--store", type=click.Path(path_type=Path), default=Path("benchbench-runs"), show_default=True,
    help="Folder of records, predictions, artefacts and leaderboards.",
)  # fmt: skip
jobs_option = click.option(
    "--jobs", type=click.IntRange(min=1), help="Cells at once [the grid's, else 1]."
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="Threads a cell [cores / jobs]."
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected: the grid, its cells, and everything they are looked up in."""

    name: str
    grid: Grid
    expansion: Expansion
    catalog: Catalog
    device: Device


def selection_options(function: Function) -> Function:
    """Add the options of `select` to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def select(options: dict[str, Any]) -> Selection:
    """Return what the options select; raise BenchbenchError naming every fault."""
    set_offline(options["offline"])
    catalog = load_catalog()
    overrides = _overrides(options, catalog)
    grid = read_grid(catalog.grid(options["grid"] or OWN_DATA), catalog, overrides)
    if not options["grid"] and not overrides.datasets:
        raise BenchbenchError(
            "Nothing to run on: give --csv FILE --text COLUMN --label COLUMN, "
            "--dataset NAME or --grid NAME."
        )
    only = parse_only(",".join(options["only"]), grid)
    expansion = expand(grid, _with_only(overrides, only))
    if not expansion.cells:
        reasons = "; ".join(expansion.dropped) or "--only leaves nothing"
        raise BenchbenchError(f"Grid '{grid.name}' has no cell to run: {reasons}.")
    name = options["name"] or (grid.name if options["grid"] else _board_name(expansion))
    return Selection(check_name(name), grid, expansion, catalog, find_device(options["device"]))


def prepare_all(
    selection: Selection, strict: bool, say: Callable[[str], None], cache: Path | None = None
) -> dict[Reference, PreparedCorpus]:
    """Return the corpus of every dataset that the cells use; `cache` is for `prepare`."""
    corpora: dict[Reference, PreparedCorpus] = {}
    for cell in selection.expansion.cells:
        if cell.dataset not in corpora:
            say(f"Reading dataset {cell.dataset.name} ...")
            corpora[cell.dataset] = prepare(
                cell.dataset, selection.catalog, strict=strict, cache=cache
            )
    return corpora


def planned(
    selection: Selection,
    corpora: dict[Reference, PreparedCorpus],
    store: Store,
    options: dict[str, Any],
) -> tuple[PlanContext, list[PlannedCell]]:
    """Return the surroundings and the planned cells."""
    context = PlanContext(
        selection.catalog, store, selection.device, options["offline"], options.get("force", False)
    )
    return context, plan_cells(selection.expansion.cells, corpora, context)


def share(options: dict[str, Any], selection: Selection) -> tuple[int, int]:
    """Return cells at once and threads a cell; a GPU takes one cell unless more are asked for."""
    jobs = options["jobs"] or selection.grid.jobs
    if jobs == CORES:
        jobs = share_of_cores(1) if selection.device.kind == "cpu" else 1
    return int(jobs), options["threads"] or share_of_cores(int(jobs))


def executor_settings(options: dict[str, Any], catalog: Catalog) -> dict[str, dict[str, Value]]:
    """Return executor -> parameter -> value, of `--set NAME.PARAMETER=VALUE`."""
    found: dict[str, dict[str, Value]] = {}
    for name, value in map(_setting, options["set"]):
        executor, _, parameter = name.rpartition(".")
        if executor in catalog.executors:
            found.setdefault(executor, {})[parameter] = value
    return found


def set_offline(offline: bool) -> None:
    """Forbid the network to every Hugging Face library, before any of them is imported."""
    if offline:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
            os.environ[name] = "1"


def _overrides(options: dict[str, Any], catalog: Catalog) -> Overrides:
    datasets = [find_dataset(name, catalog) for name in options["dataset"]]
    if options["csv"]:
        datasets.append(dataset_member(_csv_reference(options, catalog), catalog))
    elif stray := [name for name in CSV_OPTIONS if options[name]]:
        raise BenchbenchError(f"--{stray[0].replace('_', '-')} goes with --csv FILE.")
    return Overrides(
        datasets=tuple(datasets),
        methods=tuple(find_method(name, catalog) for name in options["method"]),
        backbones=tuple(find_backbone(name, catalog) for name in options["backbone"]),
        seeds=_numbers(options["seeds"]),
        sets=_settings_of_cells(options, catalog),
        limit=options["limit"],
    )


def _with_only(overrides: Overrides, only: dict[str, frozenset[str]]) -> Overrides:
    return replace(overrides, only=only)


def _csv_reference(options: dict[str, Any], catalog: Catalog) -> Reference:
    """Return what `--csv FILE --text ... --label ...` stands for."""
    if not (options["text"] and options["label"]):
        raise BenchbenchError("--csv FILE needs --text COLUMN and --label COLUMN.")
    try:
        reference = catalog.dataset_reference(options["csv"])
    except UnknownName:  # a folder, a strange suffix: the dataset says best what is wrong
        name = Path(options["csv"]).stem or "csv"
        reference = Reference("csv", name, {"path": options["csv"]})
    given = {name: options[name] for name in CSV_OPTIONS if options[name]}
    return Reference(reference.use, reference.name, {**reference.params, **given})


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BenchbenchError(
            f"--set takes NAME.PARAMETER=VALUE or PARAMETER=VALUE, found '{text}'."
        )
    return name.strip(), value


def _settings_of_cells(options: dict[str, Any], catalog: Catalog) -> dict[str, str]:
    """Return what `--set` says of cells; an executor decides nothing of what is measured."""
    settings = dict(_setting(text) for text in options["set"])
    return {
        name: value
        for name, value in settings.items()
        if name.rpartition(".")[0] not in catalog.executors
    }


def _numbers(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words) or len(set(words)) != len(words):
        raise BenchbenchError(f"--seeds takes different whole numbers as in 0,1,2; found '{text}'.")
    return tuple(int(word) for word in words)


def _board_name(expansion: Expansion) -> str:
    """Return a board's name for a run without a grid: its datasets' names."""
    names = dict.fromkeys(cell.dataset.name for cell in expansion.cells)
    return re.sub(r"[^a-z0-9._-]+", "-", "-".join(names).lower()).strip("-._")[:80] or OWN_DATA


_OPTIONS = [
    click.option("--grid", help="A named grid (see 'benchbench ls grids') or a TOML file."),
    click.option("--csv", help="A table of your own: CSV, TSV, JSONL or Parquet, also .gz."),
    click.option("--validation", help="With --csv: a table to validate on (default: a split)."),
    click.option("--test", help="With --csv: a table to test on (default: a split)."),
    click.option("--text", help="With --csv: text column, or several, comma-separated."),
    click.option("--label", help="With --csv: label column."),
    click.option("--label-separator", help="With --csv: several labels a row, separated so."),
    click.option("--label-list", is_flag=True, help="With --csv: labels are a JSON list."),
    click.option("--id", help="With --csv: column of document ids."),
    click.option("--group", help="With --csv: column of families that must not straddle splits."),
    click.option("--weight", help="With --csv: column of document weights."),
    click.option("--dataset", multiple=True, help="A dataset's name or path (repeatable)."),
    click.option("--method", multiple=True, help="A method's name (repeatable)."),
    click.option("--backbone", multiple=True, help="A name, a folder or a hub id (repeatable)."),
    click.option("--seeds", help="Seeds, as in 0,1,2."),
    click.option("--limit", type=click.IntRange(min=1), help="Documents kept of every split."),
    click.option("--set", multiple=True, metavar="NAME.PARAM=VALUE", help="Set a parameter."),
    click.option("--only", multiple=True, metavar="NOUN=NAME", help="Narrow the grid, as in "
                 "dataset=a,method=b,method=c."),
    click.option("--name", help="Name of the board (default: the grid's or the dataset's)."),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto",
                 show_default=True),
    click.option("--offline", is_flag=True, help="Never use the network."),
    click.option("--strict", is_flag=True, help="Stop if texts are in two splits."),
    store_option,
]  # fmt: skip
