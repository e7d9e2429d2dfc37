"""The loop over planned cells: cells -> jobs -> executor -> outcomes -> store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchbench.catalog import versions_of
from benchbench.contract import Cell, Event, Executor, HasLicence, Job, Outcome, Record, Reference
from benchbench.machine import fsio, one_line, published
from benchbench.planning import PlanContext, PlannedCell, PreparedCorpus, main_memory, prepare
from benchbench.records import (
    Store,
    provenance_of,
    publish,
    publishable_record,
    record_that_counts,
    records_of,
)
from benchbench.running.executors.local import LocalExecutor, start_server


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run. No setting changes a result; costs may change.

    `executor` says where cells run; None is this machine.
    """

    parallel: int = 1
    threads: int = 1
    timeout: float | None = None
    fail_fast: bool = False
    executor: Executor | None = None
    cache: Path | None = None
    """The folder in which cells share tokens and features; None where they share nothing."""


@dataclass(frozen=True, slots=True)
class Suite:
    """All that a run needs."""

    context: PlanContext
    corpora: dict[Reference, PreparedCorpus]
    settings: Settings

    @property
    def store(self) -> Store:
        """Return the store that the suite alone publishes to."""
        return self.context.store


def run(suite: Suite, planned: list[PlannedCell]) -> list[Record]:
    """Run the cells that are missing, stale or to be tried again; return their records.

    They run in the order given, and those that require others after all that require none. Where
    a required cell has no result, those that require it are skipped.
    """
    pending = [cell for cell in planned if cell.state != "done"]
    records: list[Record] = []
    if not pending:
        return records
    executor = _executor(suite, pending)
    results = {cell.id: cell.record for cell in planned if cell.state == "done"}
    position = _Position(suite, pending)
    while pending:
        wave = [cell for cell in pending if not set(cell.upstream) & {c.id for c in pending}]
        pending = [cell for cell in pending if cell not in wave]
        for record in _run_wave(suite, executor, wave, results, position):
            results[record.id] = record
            records.append(record)
            if suite.settings.fail_fast and record.status not in ("ok", "skipped"):
                return records
    return records


def _run_wave(
    suite: Suite,
    executor: Executor,
    wave: list[PlannedCell],
    results: dict[str, Record | None],
    position: _Position,
) -> Iterator[Record]:
    reasons = {cell.id: _reason_to_skip(cell, results) for cell in wave}
    for cell in wave:
        if reasons[cell.id]:
            yield _skip(suite, cell, reasons[cell.id])
    jobs = (_job(suite, cell, results, position) for cell in wave if not reasons[cell.id])
    watch = suite.context.catalog.manager.hook.benchbench_cell_progress

    def progress(cell: Cell, event: Event) -> None:
        _call_watchers(lambda: watch(cell=cell, event=event))

    for outcome in executor.run(jobs, progress):
        yield _finish(suite, outcome)


def _finish(suite: Suite, outcome: Outcome) -> Record:
    """Publish an outcome, call the watchers, and remove the outcome's folder."""
    plugins = versions_of(suite.context.catalog.plugins_of(outcome.record.cell))
    facts = {
        **provenance_of(suite.context.device, suite.settings.threads, plugins),
        **_licence(suite, outcome.record.cell),
    }
    beside = {"cells_beside": suite.settings.parallel - 1}
    record = replace(
        outcome.record,
        provenance={**facts, **outcome.record.provenance},
        cost={**beside, **outcome.record.cost} if outcome.record.cost else {},
    )
    try:
        published = publish(suite.store, Outcome(publishable_record(record), outcome.folder))
    finally:
        if outcome.folder != Path():
            fsio.remove_folder(outcome.folder)
    if published.predictions != record.predictions:
        _warn(
            f"{record.cell.title}: another process finished this cell first, with different "
            "predictions, so the cell is not deterministic."
        )
    hook = suite.context.catalog.manager.hook
    _call_watchers(lambda: hook.benchbench_cell_finished(record=published))
    return published


class _Position:
    """Counts the cells that were started, for the watchers."""

    def __init__(self, suite: Suite, pending: list[PlannedCell]) -> None:
        self._hook = suite.context.catalog.manager.hook
        self._started, self._total = 0, len(pending)
        self.models = _any_model(pending)

    def start(self, cell: Cell) -> None:
        self._started += 1
        position = self._started
        hook = self._hook.benchbench_cell_started
        _call_watchers(lambda: hook(cell=cell, position=position, total=self._total))


def _executor(suite: Suite, pending: list[PlannedCell]) -> Executor:
    if suite.settings.executor is not None:
        return suite.settings.executor
    plugins = [plugin.module.__name__ for plugin in suite.context.catalog.plugins.values()]
    start_server(suite.context.device.kind, _any_model(pending), suite.settings.threads, plugins)
    return LocalExecutor(suite.settings.parallel)


def _any_model(pending: list[PlannedCell]) -> bool:
    return any(cell.cell.backbone is not None for cell in pending)


def _job(
    suite: Suite, planned: PlannedCell, results: dict[str, Record | None], position: _Position
) -> Job:
    position.start(planned.cell)
    assert planned.identity is not None, "an unresolved cell is skipped"
    return Job(
        cell=planned.cell,
        id=planned.id,
        key=planned.key,
        identity=planned.identity,
        corpus=_corpus(suite, planned.cell.dataset),
        scratch=fsio.scratch_folder(suite.store.root),
        threads=suite.settings.threads,
        timeout=suite.settings.timeout,
        upstream={
            name: suite.store.folder("artifacts") / str(record.artifacts)
            for name in planned.upstream
            if (record := results.get(name)) is not None
        },
        cache=suite.settings.cache,
        memory_mib=_memory(suite, planned),
        models=position.models,
    )


def _corpus(suite: Suite, dataset: Reference) -> Path:
    """Return the folder of a corpus; read the dataset again if the cache was deleted meanwhile."""
    folder = suite.corpora[dataset].folder
    if not folder.is_dir():
        prepare(dataset, suite.context.catalog, cache=folder.parent.parent)
    return folder


def _memory(suite: Suite, planned: PlannedCell) -> int | None:
    """Return the main memory to ask an executor for; None on this machine, or where unknown."""
    if suite.settings.executor is None:
        return None
    try:
        return main_memory(planned, suite.corpora[planned.cell.dataset], suite.context)
    except Exception:  # an estimate must not stop a run; the run's forecasts have told the reason
        return None


def _licence(suite: Suite, cell: Cell) -> dict[str, str]:
    """Return the terms of the backbone; empty if its plugin does not say."""
    if cell.backbone is None:
        return {}
    backbone = suite.context.catalog.backbone(cell.backbone.use)
    try:
        licence = backbone.licence if isinstance(backbone, HasLicence) else ""
    except Exception as error:  # a property of a plugin must not cost the cell its result
        _warn(f"the licence of backbone '{cell.backbone.name}' raised {one_line(error)}")
        licence = ""
    return {"licence": str(licence or "")}


def _reason_to_skip(cell: PlannedCell, results: dict[str, Record | None]) -> str:
    if cell.state == "unresolved":
        return cell.reason
    for name in cell.upstream:
        record = results.get(name)
        if record is None or record.status != "ok":
            result = f"{record.status}: {record.reason}" if record else "not run"
            title = record.cell.title if record else name[:12]
            return f"it requires {title}, which has no result ({result})"
    return ""


def _skip(suite: Suite, cell: PlannedCell, reason: str) -> Record:
    """Publish that a cell was skipped, unless the last record says so with the same reason."""
    reason = published(reason, cell.cell.paths)
    last = current_record(suite.store, cell)
    if last is not None and last.status == "skipped" and last.reason == reason:
        return last
    record = Record.unpublished(cell, "skipped", reason)
    return _finish(suite, Outcome(record, Path()))


def current_record(store: Store, planned: PlannedCell) -> Record | None:
    """Return the record that counts for a planned cell now."""
    return record_that_counts(records_of(store, planned.id), planned.key)


def _call_watchers(watchers: Callable[[], object]) -> None:
    """Call watchers; an exception in them is reported and undoes nothing."""
    try:
        watchers()
    except Exception as error:
        _warn(f"a watcher raised {one_line(error)}")


def _warn(message: str) -> None:
    sys.stderr.write(f"benchbench: {message}\n")


def failed(records: Iterable[Record | None]) -> bool:
    """Say whether any cell has no result and was not skipped."""
    return any(record is None or record.status not in ("ok", "skipped") for record in records)
