"""The loop over planned cells: cells -> jobs -> executor -> outcomes -> store."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from benchbench.catalog import versions_of
from benchbench.contract import (
    BenchbenchError,
    Cell,
    Event,
    Executor,
    HasLicence,
    Job,
    Outcome,
    Record,
)
from benchbench.machine import fsio, in_one_line, interrupts, one_line, published
from benchbench.planning import PlannedCell
from benchbench.records import (
    FINAL,
    provenance_of,
    publish,
    publishable_record,
    record_since,
    record_that_counts,
    records_of,
)
from benchbench.running.energy import energy_meter
from benchbench.running.executors.gpu_places import places_on
from benchbench.running.executors.local import LocalExecutor, start_server
from benchbench.running.jobs import job_of
from benchbench.running.run_state import RunState, Suite, warn, warn_once
from benchbench.running.training_states import remove_states, sweep_states, warn_of_state
from benchbench.running.watchers import call_watchers


def run(suite: Suite, planned: list[PlannedCell]) -> list[Record]:
    """Run the cells that are missing, stale or to be tried again; return their records.

    They run in the order given, and those that require others after all that require none. Where
    a required cell has no result, those that require it are skipped.
    """
    pending = [cell for cell in planned if cell.state != "done"]
    records: list[Record] = []
    if not pending:
        return records
    results = {cell.id: cell.record for cell in planned if cell.state == "done"}
    here = suite.settings.executor is None
    meter = energy_meter(suite.settings.parallel, warn) if here else None
    state = RunState(suite, {cell.id: cell for cell in pending}, results, energy=meter)
    executor = _executor(state)
    sweep_states(suite.store)
    while pending:
        wave = [cell for cell in pending if not set(cell.upstream) & {c.id for c in pending}]
        pending = [cell for cell in pending if cell not in wave]
        for record in _run_wave(state, executor, wave):
            state.results[record.id] = record
            records.append(record)
            if suite.settings.fail_fast and record.status not in ("ok", "skipped"):
                return records
    return records


def _run_wave(state: RunState, executor: Executor, wave: list[PlannedCell]) -> Iterator[Record]:
    reasons = {cell.id: _reason_to_skip(cell, state.results) for cell in wave}
    for cell in wave:
        if reasons[cell.id]:
            yield _skip(state, cell, reasons[cell.id])
    elsewhere: list[Record] = []
    refused: list[Record] = []
    jobs = _jobs(state, [cell for cell in wave if not reasons[cell.id]], elsewhere, refused)

    def progress(cell: Cell, event: Event) -> None:
        call_watchers(state.hook.benchbench_cell_progress, cell=cell, event=event)

    outcomes = executor.run(jobs, progress)
    try:
        for outcome in outcomes:
            yield _finish(state, outcome)
    except KeyboardInterrupt as stop:
        for outcome in _stopped(outcomes, stop):
            yield _finish(state, outcome)
        raise
    yield from elsewhere
    for record in refused:
        yield _finish(state, Outcome(record, Path()))


def _jobs(
    state: RunState, wave: list[PlannedCell], elsewhere: list[Record], refused: list[Record]
) -> Iterator[Job]:
    """Yield the jobs of cells.

    What another process has finished by now goes to `elsewhere`, and a cell without a scratch
    folder or a corpus to `refused`.
    """
    for cell in wave:
        record = record_since(state.suite.store, cell.id, cell.key, cell.attempts)
        if record is not None and record.status == "ok":
            call_watchers(state.hook.benchbench_cell_finished, record=record)
            elsewhere.append(record)
            continue
        state.started += 1
        place = {"position": state.started, "total": len(state.planned)}
        call_watchers(state.hook.benchbench_cell_started, cell=cell.cell, **place)
        try:
            job = job_of(state, cell)
        except BenchbenchError as error:
            refused.append(Record.unpublished(cell, "failed", in_one_line(str(error))))
        else:
            if state.energy is not None:
                state.energy.begin(cell.id)
            yield job


def _stopped(outcomes: Iterator[Outcome], stop: KeyboardInterrupt) -> Iterator[Outcome]:
    """Yield the outcomes of the cells that an executor ends when it is told of a stop."""
    if isinstance(outcomes, Generator):
        with suppress(KeyboardInterrupt, StopIteration):
            yield outcomes.throw(stop)
            yield from outcomes


def _finish(state: RunState, outcome: Outcome) -> Record:
    """Publish an outcome, call the watchers, and remove the outcome's folder."""
    if fault := outcome.record.provenance.get("cache_fault"):
        warn_once(f"the cache keeps nothing more ({fault}); cells compute what they could share.")
    warn_of_state(outcome.record)
    suite, cell = state.suite, outcome.record.cell
    used = state.energy.end(outcome.record.id) if state.energy is not None else None
    plugins = versions_of(suite.context.catalog.plugins_of(cell))
    facts = {
        **provenance_of(suite.context.device, suite.settings.threads, plugins),
        **_licence(suite, cell),
        **({"energy": used.source} if used else {}),
    }
    record = replace(
        outcome.record,
        reason=in_one_line(outcome.record.reason),  # any executor may have given it
        provenance={**facts, **outcome.record.provenance},
        cost={**_cost(suite, outcome.record), **(used.cost if used else {})},
    )
    known = state.planned[record.id].attempts
    try:
        with interrupts.held_back():  # a result that is there must not be lost
            counted = publish(
                suite.store, Outcome(publishable_record(record), outcome.folder), known
            )
    finally:
        if outcome.folder != Path():
            fsio.remove_folder(outcome.folder)
    if record.predictions not in (None, counted.predictions):
        warn(
            f"{cell.title}: another process finished this cell first, with different "
            "predictions, so the cell is not deterministic."
        )
    if counted.status in FINAL:
        remove_states(suite.store, counted.id)
    call_watchers(state.hook.benchbench_cell_finished, record=counted)
    return counted


def _cost(suite: Suite, record: Record) -> dict[str, float | int | None]:
    """Return the cost of a cell, with what else ran and with the memory that was not enough."""
    cost = dict(record.cost)
    if cost:
        cost = {"cells_beside": suite.settings.parallel - 1, **cost}
    if record.status == "oom" and suite.settings.executor is None:
        cost["limit_mib"] = suite.context.device.memory_mib
    return cost


def _executor(state: RunState) -> Executor:
    suite = state.suite
    if suite.settings.executor is not None:
        return suite.settings.executor
    plugins = [plugin.module.__name__ for plugin in suite.context.catalog.plugins.values()]
    start_server(suite.context.device.kind, state.models, suite.settings.threads, plugins)
    return LocalExecutor(suite.settings.parallel, places=places_on(suite.context.device))


def _licence(suite: Suite, cell: Cell) -> dict[str, str]:
    """Return the terms of the backbone; empty if its plugin does not say."""
    if cell.backbone is None:
        return {}
    backbone = suite.context.catalog.backbone(cell.backbone.use)
    try:
        licence = backbone.licence if isinstance(backbone, HasLicence) else ""
    except Exception as error:  # a property of a plugin must not cost the cell its result
        warn(f"the licence of backbone '{cell.backbone.name}' raised {one_line(error)}")
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


def _skip(state: RunState, cell: PlannedCell, reason: str) -> Record:
    """Publish that a cell was skipped, unless the last record says so with the same reason."""
    reason = in_one_line(published(reason, cell.cell.paths))
    last = record_that_counts(records_of(state.suite.store, cell.id), cell.key)
    if last is not None and (last.status, last.reason) == ("skipped", reason):
        return last
    record = Record.unpublished(cell, "skipped", reason)
    return _finish(state, Outcome(record, Path()))


def failed(records: Iterable[Record | None]) -> bool:
    """Say whether any cell has no result and was not skipped."""
    return any(record is None or record.status not in ("ok", "skipped") for record in records)
