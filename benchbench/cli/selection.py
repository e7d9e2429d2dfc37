"""From the options of `run` and `plan` to the cells that they choose."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchbench.catalog import Catalog, load_catalog, whole_of
from benchbench.cli.board_names import BoardName, slug, words_of
from benchbench.cli.options import CSV_OPTIONS
from benchbench.contract import BenchbenchError, Reference, Skip, UnknownName, Value
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
    parse_shares,
    read_grid,
)
from benchbench.machine import Device, find_device, in_one_line, share_of_cores, usable_gpus
from benchbench.planning import PlanContext, PlannedCell, PreparedCorpus, plan_cells, prepare
from benchbench.records import Store, check_name

OWN_DATA = "own-data"
"""The grid of a run that names none."""
LONGEST_SEED = 18
"""The most digits of a seed, which has 64 bits in a record."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The grid that was chosen, its cells, and what they are looked up in.

    `name` is what its board is called, as far as the store does not have another of that name.
    """

    name: BoardName
    grid: Grid
    expansion: Expansion
    catalog: Catalog
    device: Device


def select(options: dict[str, Any]) -> Selection:
    """Return what the options choose; raise BenchbenchError with every fault."""
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
    name = _board_name(options, overrides, grid, expansion)
    return Selection(name, grid, expansion, catalog, find_device(options["device"]))


def prepare_all(
    selection: Selection, strict: bool, say: Callable[[str], None], cache: Path | None = None
) -> tuple[Selection, dict[Reference, PreparedCorpus]]:
    """Return the selection without datasets that are not on this machine, and their corpora.

    `say` gets a line before a dataset is read, and where its cached copy is damaged. `cache` is
    the folder of caches, by default the user's. Raises BenchbenchError where no dataset is left.
    """
    corpora: dict[Reference, PreparedCorpus] = {}
    absent: dict[Reference, str] = {}
    for dataset in dict.fromkeys(cell.dataset for cell in selection.expansion.cells):
        if (whole := whole_of(dataset)) in absent:  # the line of the whole says so
            absent[dataset] = absent[whole]
            continue
        say(f"Reading dataset {dataset.name} ...")
        try:
            corpora[dataset] = prepare(
                dataset, selection.catalog, strict=strict, cache=cache, say=say
            )
        except Skip as error:
            absent[dataset] = f"all cells on {dataset.name}: {in_one_line(str(error))}"
    if not corpora:
        raise BenchbenchError(f"No cell can run: {'; '.join(dict.fromkeys(absent.values()))}.")
    cells = tuple(cell for cell in selection.expansion.cells if cell.dataset in corpora)
    dropped = tuple(dict.fromkeys((*selection.expansion.dropped, *absent.values())))
    expansion = replace(selection.expansion, cells=cells, dropped=dropped)
    name = selection.name.without(dict.fromkeys(whole_of(dataset).name for dataset in absent))
    return replace(selection, name=name, expansion=expansion), corpora


def planned(
    selection: Selection,
    corpora: dict[Reference, PreparedCorpus],
    store: Store,
    options: dict[str, Any],
) -> tuple[PlanContext, list[PlannedCell]]:
    """Return what the plan depends on, and the planned cells."""
    context = PlanContext(
        selection.catalog,
        store,
        selection.device,
        options["offline"],
        options.get("force", False),
        options["timeout"],
    )
    return context, plan_cells(selection.expansion.cells, corpora, context)


def share(options: dict[str, Any], selection: Selection) -> tuple[int, int]:
    """Return how many cells run at the same time, and the threads per cell.

    Unless --jobs says otherwise, one cell runs on each GPU where the run uses GPUs.
    """
    jobs = options["jobs"] or selection.grid.jobs
    if jobs == CORES:
        jobs = share_of_cores(1) if selection.device.kind == "cpu" else max(1, len(usable_gpus()))
    return int(jobs), options["threads"] or share_of_cores(int(jobs))


def executor_settings(options: dict[str, Any], catalog: Catalog) -> dict[str, dict[str, Value]]:
    """Return executor -> parameter -> value, from `--set NAME.PARAMETER=VALUE`."""
    settings: dict[str, dict[str, Value]] = {}
    for name, value in map(_setting, options["set"]):
        executor, _, parameter = name.rpartition(".")
        if executor in catalog.executors:
            settings.setdefault(executor, {})[parameter] = value
    return settings


def set_offline(offline: bool) -> None:
    """Forbid the network to every Hugging Face library; call it before one is imported."""
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
        learning=() if options["learning"] is None else parse_shares(options["learning"]),
    )


def _with_only(overrides: Overrides, only: dict[str, frozenset[str]]) -> Overrides:
    return replace(overrides, only=only)


def _csv_reference(options: dict[str, Any], catalog: Catalog) -> Reference:
    """Return what `--csv FILE --text ... --label ...` stands for."""
    if not (options["text"] and options["label"]):
        raise BenchbenchError("--csv FILE needs --text COLUMN and --label COLUMN.")
    try:
        reference = catalog.dataset_reference(options["csv"])
    except UnknownName:  # a folder or a strange suffix: the dataset itself says what is wrong
        name = Path(options["csv"]).stem or "csv"
        reference = Reference("csv", name, {"path": options["csv"]})
    columns = {parameter: options[name] for name, parameter in CSV_OPTIONS.items() if options[name]}
    return Reference(reference.use, reference.name, {**reference.params, **columns})


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BenchbenchError(
            f"--set takes NAME.PARAMETER=VALUE or PARAMETER=VALUE, found '{text}'."
        )
    return name.strip(), value


def _settings_of_cells(options: dict[str, Any], catalog: Catalog) -> dict[str, str]:
    """Return the settings of `--set` that are about cells: those of executors decide no number."""
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
    seeds = tuple(int(word) for word in words if word.isdecimal() and len(word) <= LONGEST_SEED)
    if len(seeds) != len(words) or len(set(seeds)) != len(seeds):
        raise BenchbenchError(f"--seeds takes different whole numbers as in 0,1,2; found '{text}'.")
    return seeds


def _board_name(
    options: dict[str, Any], overrides: Overrides, grid: Grid, expansion: Expansion
) -> BoardName:
    """Return the name of the board: --name, else the grid's, else those of the datasets."""
    words = words_of(options, overrides)
    if options["name"] is not None:
        return replace(words, base=check_name(options["name"]), given=True)
    if options["grid"]:
        return replace(words, base=check_name(grid.name))
    names = dict.fromkeys(whole_of(cell.dataset).name for cell in expansion.cells)
    return replace(words, base=slug("-".join(names))[:80].strip("-._") or OWN_DATA)
