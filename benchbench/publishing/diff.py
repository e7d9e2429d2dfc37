"""What differs between two systems, two runs or two stores: settings, data, versions, results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchbench.contract import BenchbenchError, Record, did_you_mean
from benchbench.evidence import (
    BoardCell,
    System,
    read_board,
    read_description,
    records_on,
    score_run,
    systems_on,
    values_of,
)
from benchbench.records import Store, all_records, list_names, record_that_counts

RUN = re.compile(r"[0-9a-f]{6,64}")
WHICH_RUN = ("cell", "seed")
"""The parts of an identity that say which run it is, and not how it was made."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One of the two systems to compare, by the fingerprint of each dataset it ran on.

    `seed_free_methods` are those of its board; of a single run, nothing says it.
    """

    title: str
    systems: Mapping[str, System]
    seed_free_methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting in which two systems differ; None where a system does not have it."""

    name: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class StoreDiff:
    """How the cells of two stores differ, by title."""

    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    same: int
    other_numbers: tuple[str, ...]
    """Cells with the same key and different predictions: not deterministic, or changed."""
    other_key: tuple[tuple[str, tuple[Difference, ...]], ...]
    """Cells with the same id and different keys, with the settings in which they differ."""


def select(store: Store, text: str, board: str | None = None) -> Selected:
    """Return the system or the run that `text` names: METHOD, METHOD/BACKBONE or a run's id.

    Raises BenchbenchError where nothing has that name, or more than one thing.
    """
    if RUN.fullmatch(text) and (run := _run(store, text)):
        return run
    names = list_names(store, "boards")
    if board is None and len(names) != 1:
        raise BenchbenchError(f"Which board? Name one with --board: {', '.join(names) or 'none'}.")
    chosen = read_board(store, board or names[0])
    records = records_on(store, chosen)
    values = values_of(store, chosen, records)
    systems: dict[str, dict[str, System]] = {}
    for dataset, kept in sorted(chosen.wholes.items()):
        ranked, incomplete = systems_on(chosen, dataset, records, values)
        for system in (*ranked, *incomplete):
            name = f"{system.method}/{system.backbone}" if system.backbone else system.method
            systems.setdefault(name, {})[kept.fingerprint] = system
    matching = [name for name in systems if text in (name, name.partition("/")[0])]
    if text in systems:
        matching = [text]
    if not matching:
        known = {*systems, *(name.partition("/")[0] for name in systems)}
        raise BenchbenchError(
            f"Nothing on board '{chosen.name}' is called '{text}'{did_you_mean(text, known)}"
        )
    if len(matching) > 1:
        raise BenchbenchError(f"'{text}' may be any of: {', '.join(matching)}. Name one.")
    return Selected(matching[0], systems[matching[0]], chosen.seed_free_methods)


def _run(store: Store, prefix: str) -> Selected | None:
    """Return the run whose cell id begins with `prefix`, as a system of one seed."""
    by_id: dict[str, list[Record]] = {}
    for record in all_records(store):
        if record.id.startswith(prefix):
            by_id.setdefault(record.id, []).append(record)
    if not by_id:
        return None
    if len(by_id) > 1:
        ids = ", ".join(sorted(name[:12] for name in by_id))
        raise BenchbenchError(f"Several runs begin with '{prefix}': {ids}. Give more of the id.")
    (records,) = by_id.values()
    run = record_that_counts(records, records[-1].key)
    if run is None or run.status != "ok":
        raise BenchbenchError(f"Run {prefix} has no result: {records[-1].reason}.")
    cell = run.cell
    backbone = cell.backbone.name if cell.backbone else ""
    entry = BoardCell(cell, run.id, run.key)
    fingerprint = str(run.identity.get("dataset"))
    values = score_run(store, read_description(store, fingerprint), run, ()).values
    system = System(cell.method.name, backbone, (entry,), (run,), (values,))
    return Selected(f"{cell.title} ({run.id[:12]})", {fingerprint: system})


def settings_of(records: Iterable[Record]) -> dict[str, str]:
    """Return the settings of runs by name; one that differs between seeds is "several"."""
    settings: dict[str, str] = {}
    for record in records:
        identity = {n: v for n, v in record.identity.items() if n not in WHICH_RUN}
        made = {
            "device": record.provenance.get("device"),
            "threads": record.provenance.get("threads"),
            "git commit": record.provenance.get("git_commit"),
        }
        for name, value in flat({**identity, "made": made}):
            if value is None:
                continue
            if settings.setdefault(name, str(value)) != str(value):
                settings[name] = "several"
    return settings


def diff_settings(first: Mapping[str, str], second: Mapping[str, str]) -> list[Difference]:
    """Return the settings in which two systems differ, by name."""
    return [
        Difference(name, first.get(name), second.get(name))
        for name in sorted({*first, *second})
        if first.get(name) != second.get(name)
    ]


def flat(data: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of every leaf of plain data."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, data


def diff_stores(first: Store, second: Store) -> StoreDiff:
    """Compare two stores cell by cell, by the last record of each cell that has a result."""
    ours, theirs = _results(first), _results(second)
    same = 0
    numbers: list[str] = []
    keys: list[tuple[str, tuple[Difference, ...]]] = []
    for name in sorted({*ours} & {*theirs}, key=lambda name: ours[name].cell.title):
        mine, other = ours[name], theirs[name]
        if mine.key != other.key:
            differences = diff_settings(settings_of([mine]), settings_of([other]))
            keys.append((mine.cell.title, tuple(differences)))
        elif mine.predictions != other.predictions:
            numbers.append(mine.cell.title)
        else:
            same += 1
    return StoreDiff(
        _titles(ours, theirs), _titles(theirs, ours), same, tuple(numbers), tuple(keys)
    )


def _results(store: Store) -> dict[str, Record]:
    return {record.id: record for record in all_records(store) if record.status == "ok"}


def _titles(ours: Mapping[str, Record], theirs: Mapping[str, Record]) -> tuple[str, ...]:
    return tuple(sorted(ours[name].cell.title for name in {*ours} - {*theirs}))
