"""From a planned cell to a job, which holds all that the process of a cell is told."""

from __future__ import annotations

from pathlib import Path

from benchbench.contract import Job, Reference
from benchbench.machine import fsio
from benchbench.planning import PlannedCell, gpu_memory, main_memory, prepare
from benchbench.running.run_state import RunState, Suite, warn
from benchbench.running.training_states import state_folder


def job_of(state: RunState, planned: PlannedCell) -> Job:
    """Return the job of a cell; raise BenchbenchError without a scratch folder or a corpus."""
    assert planned.identity is not None, "an unresolved cell is skipped"
    suite, settings = state.suite, state.suite.settings
    return Job(
        cell=planned.cell,
        id=planned.id,
        key=planned.key,
        identity=planned.identity,
        corpus=_corpus(suite, planned.cell.dataset),
        scratch=fsio.scratch_folder(suite.store.root),
        threads=settings.threads,
        timeout=settings.timeout,
        upstream={
            name: suite.store.folder("artifacts") / str(record.artifacts)
            for name in planned.upstream
            if (record := state.results.get(name)) is not None
        },
        cache=settings.cache,
        memory_mib=_memory(suite, planned),
        models=state.models,
        checkpoints=state_folder(suite.store, planned.id, planned.key)
        if settings.checkpoints
        else None,
    )


def _corpus(suite: Suite, dataset: Reference) -> Path:
    """Return the folder of a corpus; read the dataset again if the cache was changed meanwhile."""
    prepared = suite.corpora[dataset]
    folder = prepared.folder
    if not prepared.is_untouched():
        prepare(dataset, suite.context.catalog, cache=folder.parent.parent, say=warn)
    return folder


def _memory(suite: Suite, planned: PlannedCell) -> int | None:
    """Return the memory that a cell will need; None where unknown, or where nobody asks.

    An executor is asked for main memory. On this machine, cells that share GPUs need theirs.
    """
    local, on_gpu = suite.settings.executor is None, suite.context.device.kind == "cuda"
    if local and not (on_gpu and suite.settings.parallel > 1):
        return None
    memory = gpu_memory if local else main_memory
    try:
        return memory(planned, suite.corpora[planned.cell.dataset], suite.context)
    except Exception:  # an estimate must not stop a run; the run's forecasts have told the reason
        return None
