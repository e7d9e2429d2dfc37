"""Run one cell: a job goes in, and whatever happens, a record and a folder of files come out.

The order is fixed: load, fit, predict validation, predict test, save, write and check the
predictions, load the saved classifier and compare. Nothing here knows the store or any metric.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from contextlib import chdir
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import (
    BoundBackbone,
    Classifier,
    Corpus,
    Diverged,
    Event,
    GuardError,
    Identity,
    Job,
    Json,
    Method,
    Record,
    Task,
    all_as_given,
)
from benchbench.machine import (
    LONGEST_TRACEBACK,
    PeakMemory,
    Stopwatch,
    WatchedBackbone,
    redact,
    shortened,
    watching,
)
from benchbench.running.curve import Curve, Report
from benchbench.running.outcome import explain, write_outcome
from benchbench.running.reload_check import Probes, check_reload, probe

if TYPE_CHECKING:
    import numpy as np

    from benchbench.catalog import Catalog
    from benchbench.kit.training.checkpoints import Checkpoints

PREDICTION_CHUNK = 256
PREDICTIONS = "predictions.parquet"
ARTIFACTS = "artifacts"


@dataclass(frozen=True, slots=True)
class CellRun:
    """What belongs to a running cell: where it writes, and what watches it.

    `cache` is what cells share, `checkpoints` what an ended attempt leaves to the next one.
    """

    scratch: Path
    watch: Stopwatch
    curve: Curve
    cache: Path | None
    checkpoints: Checkpoints


@dataclass(frozen=True, slots=True)
class FinishedTraining:
    """What is kept of a classifier after it has trained, predicted, been saved and been freed."""

    facts: Json
    hard: bool
    guards: Mapping[str, str]
    logits: Mapping[str, np.ndarray]
    probes: Probes


def run_job(job: Job, report: Report) -> Record:
    """Run a job and return its record, whatever happens; leave the files in `job.scratch`."""
    memory = PeakMemory()
    cell_run = _cell_run(job, report)
    watch = cell_run.watch
    record = Record.unpublished(job, "failed")
    try:
        record = _run(job, report, record, cell_run)
    except BaseException as error:
        status, reason = explain(error)
        log = shortened(redact(traceback.format_exc()), LONGEST_TRACEBACK)
        provenance = {} if status == "skipped" else {"traceback": log}
        record = replace(record, status=status, reason=reason, provenance=provenance)
    cost = {f"{stage}_seconds": round(spent, 4) for stage, spent in watch.seconds.items()}
    shared = {"cache_hits": watch.hits, "cache_seconds": round(watch.credited, 4)}
    if watch.resumed:
        shared["earlier_fit_seconds"] = round(watch.resumed, 4)
    record = replace(record, cost={**record.cost, **cost, **shared, **memory.peaks()})
    noted: Json = {"cache_fault": redact(watch.cache_fault)} if watch.cache_fault else {}
    if states := cell_run.checkpoints.notes():
        noted = {**noted, "training_state": states}
    record = replace(record, provenance={**record.provenance, **noted})
    write_outcome(job.scratch, record)
    return record


def _cell_run(job: Job, report: Report) -> CellRun:
    """Return what belongs to the cell of a job.

    Training states are kept only where the cell works beside their folder, in the store: on a
    machine that does not share it, the next attempt would not find them.
    """
    from benchbench.kit.training.checkpoints import Checkpoints

    folder = job.checkpoints
    beside = folder is not None and job.scratch.parent in folder.parents
    checkpoints, curve = Checkpoints(folder if beside else None), Curve(report)
    watch = Stopwatch(show=lambda stage, step, total: curve.report_stage(stage, step, total, {}))
    return CellRun(job.scratch, watch, curve, job.cache, checkpoints)


def _run(job: Job, report: Report, record: Record, cell_run: CellRun) -> Record:
    from benchbench.catalog import load_catalog
    from benchbench.kit.data import read_corpus
    from benchbench.machine import folder_digest

    watch = cell_run.watch
    with watch.stage("open"):
        catalog = load_catalog()
        method = catalog.method(job.cell.method.use)
        backbone = _bind(job, catalog, watch)
        # memory-mapped: from here on the cache may be deleted
        corpus = read_corpus(job.corpus, job.identity.dataset)
    if backbone is not None:
        report(Event("load", 0, 1))  # the model may have to be downloaded first
    training = _fit(method, _task(job, corpus, backbone, cell_run.curve), corpus, cell_run)
    loading = watch.seconds.pop("load", 0.0)
    watch.seconds["fit"] -= loading
    with watch.stage("write"):
        predictions = _write_predictions(job, corpus, training.logits)
    watch.run(
        "check",
        lambda: check_reload(
            method, job.scratch / ARTIFACTS, backbone, corpus, training.probes, job.cache
        ),
    )
    watch.seconds["load"] = loading  # the second load is part of the check
    return replace(
        record,
        status="ok",
        curve=tuple(cell_run.curve.points),
        facts={
            **_backbone_facts(backbone),
            **training.facts,
            "hard": training.hard,
            "seeded": method.seeded,
        },
        guards={
            **training.guards,
            "every document predicted once, every logit finite": "passed",
            "loaded again, the same predictions": "passed",
        },
        cost={"documents_per_second": _speed(training, watch)},
        predictions=predictions,
        artifacts=folder_digest(job.scratch / ARTIFACTS),
    )


def _fit(method: Method, task: Task, corpus: Corpus, cell_run: CellRun) -> FinishedTraining:
    """Train, predict validation, then test, and save; then the classifier is freed.

    The probes are predicted without caches, so that the classifier itself is checked.
    """
    from benchbench.kit import cache
    from benchbench.kit.seeding import seed_everything

    watch = cell_run.watch
    seed_everything(task.seed)
    logits: dict[str, np.ndarray] = {}

    def predict(name: str, rows: Any) -> None:
        logits[name] = _predict(classifier, rows, len(corpus.labels), cell_run.curve)

    # a method may change the folder of the process: relative paths must mean the same after it
    with watching(watch), cache.enabled(cell_run.cache), chdir(Path.cwd()):
        with cell_run.checkpoints.enabled():
            classifier = watch.run("fit", lambda: method.fit(task))
        watch.run("predict_validation", lambda: predict("validation", corpus.validation))
        watch.run("predict_test", lambda: predict("test", corpus.test))
    facts = deepcopy(dict(classifier.facts))  # the probes below must not count among them
    guards = facts.pop("guards", {})
    cell_run.curve.report_stage("check", 0, 1, {})
    probes = watch.run("check", lambda: probe(classifier, corpus, task.backbone))
    watch.run("save", lambda: _save(classifier, cell_run.scratch / ARTIFACTS))
    return FinishedTraining(facts, classifier.hard, guards, logits, probes)


def _speed(training: FinishedTraining, watch: Stopwatch) -> float:
    seconds = watch.seconds["predict_validation"] + watch.seconds["predict_test"]
    return round(sum(map(len, training.logits.values())) / max(seconds, 1e-9), 3)


def _write_predictions(job: Job, corpus: Corpus, logits: Mapping[str, np.ndarray]) -> str:
    """Write the predictions, read them back to check them, and return the file's sha256."""
    from benchbench.records import (
        check_complete,
        predictions_table,
        read_predictions,
        write_predictions,
    )

    splits = {"validation": corpus.validation, "test": corpus.test}
    path = job.scratch / PREDICTIONS
    digest = write_predictions(predictions_table(splits, logits), path, job.id, job.key)
    stored = read_predictions(path, len(corpus.labels.columns))
    for name, rows in splits.items():
        check_complete(stored[name], rows)
    return digest


def _bind(job: Job, catalog: Catalog, watch: Stopwatch) -> BoundBackbone | None:
    if job.cell.backbone is None:
        return None
    backbone = catalog.backbone(job.cell.backbone.use)
    identity = job.identity
    watched = WatchedBackbone(backbone, str(identity.weights), _origin(identity), watch)
    params = all_as_given(identity.parameters.backbone or {})
    return BoundBackbone(watched, params, identity.device, identity.dtype)


def _backbone_facts(backbone: BoundBackbone | None) -> Json:
    """Return what the backbone says of itself, as one fact; none where nothing was loaded."""
    watched = backbone.backbone if backbone is not None else None
    if not isinstance(watched, WatchedBackbone) or not watched.facts:
        return {}
    return {"backbone": watched.facts}


def _origin(identity: Identity) -> str:
    """Return the sha256 of all that decides the numbers of a loaded backbone."""
    from benchbench.machine import digest

    decisive = ("weights", "device", "dtype", "plugins", "core", "packages")
    block = identity.to_json()
    chosen = {name: block[name] for name in decisive}
    return digest({**chosen, "backbone": block["parameters"]["backbone"]})


def _task(job: Job, corpus: Corpus, backbone: BoundBackbone | None, curve: Curve) -> Task:
    return Task(
        kind=corpus.kind,
        labels=corpus.labels,
        train=corpus.train,
        validation=corpus.validation,
        backbone=backbone,
        seed=job.cell.seed,
        params=all_as_given(job.identity.parameters.method),
        upstream=job.upstream,
        report=curve,
    )


def _predict(classifier: Classifier, rows: Any, labels: int, curve: Curve) -> np.ndarray:
    """Return the logits of a split, in its order; raise GuardError where a check fails."""
    import numpy as np

    parts = []
    start = time.monotonic()
    curve.report_stage("predict", 0, len(rows), {})
    for first in range(0, len(rows), PREDICTION_CHUNK):
        texts = list(rows[first : first + PREDICTION_CHUNK]["text"])
        part = np.asarray(classifier.predict_logits(texts))
        _check_logits(part, len(texts), labels)
        parts.append(part)
        done = first + len(texts)
        speed = done / max(time.monotonic() - start, 1e-9)
        curve.report_stage("predict", done, len(rows), {"documents_per_second": speed})
    return np.concatenate(parts)


def _check_logits(logits: np.ndarray, documents: int, labels: int) -> None:
    import numpy as np

    if logits.shape != (documents, labels) or logits.dtype != np.float32:
        raise GuardError(
            f"predict_logits gave {logits.dtype} {list(logits.shape)}; "
            f"expected float32 [{documents}, {labels}]."
        )
    if not np.isfinite(logits).all():
        bad = int((~np.isfinite(logits)).any(axis=1).sum())
        raise Diverged(f"{bad} of {documents} documents got a logit that is not a finite number")


def _save(classifier: Classifier, folder: Path) -> None:
    folder.mkdir()
    classifier.save(folder)
    if not any(folder.iterdir()):
        raise GuardError("save() wrote nothing: the result of the training would be lost.")
