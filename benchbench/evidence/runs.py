"""The runs of a board, scored from their stored predictions.

Runs are read one at a time. No model, no plugin and no network is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import (
    AdditiveMetric,
    CorpusDescription,
    LabelFacts,
    Metric,
    Predictions,
    Record,
    ScoredSplit,
    Split,
    StoreError,
)
from benchbench.evaluation import METRICS, evaluate, tune
from benchbench.evidence.board import Board, read_description
from benchbench.evidence.values import Values
from benchbench.machine import open_regular, published
from benchbench.records import Store, read_predictions

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Documents:
    """The test documents, which systems must share to be compared.

    `support` is the number of documents per label, unseen labels last. `frequent_labels` is the
    number of labels that expect enough documents for an interval.
    """

    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    support: tuple[int, ...] = ()
    frequent_labels: int = 0


@dataclass(frozen=True, slots=True)
class ValidationScores:
    """The metrics on validation by which systems are compared, and the documents' groups."""

    additive: Mapping[str, AdditiveMetric]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunScores:
    """The scores of one run.

    `values` has every metric on validation and on test. `additive` has the metrics on test by
    which systems are compared. The other fields are about test: `right` is bool [documents],
    `reliability` float [bins, 3] (mean confidence, accuracy, decisions), `label_f1` float
    [labels], and `confusion` float [labels, labels]. `validation` is kept where curves over shares
    of the training documents are fitted to it.
    """

    seed: int
    values: Values
    additive: Mapping[str, AdditiveMetric]
    documents: Documents
    right: np.ndarray
    reliability: np.ndarray
    label_f1: np.ndarray
    confusion: np.ndarray
    validation: ValidationScores | None = None


@dataclass(frozen=True, slots=True)
class ScoredRuns:
    """The runs of a board, by cell id.

    `unread` says why a run could not be read. `corpora` maps the fingerprint of a dataset to its
    description.
    """

    runs: Mapping[str, RunScores] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    corpora: Mapping[str, CorpusDescription] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Values]:
        """The values of every run, by cell id."""
        return {cell: run.values for cell, run in self.runs.items()}


def score_board(
    store: Store,
    board: Board,
    records: Mapping[str, Record | None],
    compared: Container[str],
    metrics: Iterable[Metric] = METRICS,
    of_test: Iterable[Metric] = (),
) -> ScoredRuns:
    """Score every run of a board; `compared` names the metrics by which systems are compared.

    A run on a share of the training documents is scored as one on the whole: the same labels are
    frequent.
    """
    runs: dict[str, RunScores] = {}
    unread: dict[str, str] = {}
    corpora: dict[str, CorpusDescription] = {}
    documents: dict[str, Documents] = {}
    wholes = {entry.cell.dataset.name: board.whole_of(entry.cell) for entry in board.cells}
    with_parts = {whole for name, whole in wholes.items() if name != whole}
    for entry in board.cells:
        record = records.get(entry.id)
        if record is None or record.status != "ok":
            continue
        whole = wholes[entry.cell.dataset.name]
        fingerprint = board.datasets[entry.cell.dataset.name].fingerprint
        try:
            if fingerprint not in corpora:
                corpus = read_description(store, board.datasets[whole].fingerprint)
                corpora[fingerprint] = replace(corpus, fingerprint=fingerprint)
            run = score_run(store, corpora[fingerprint], record, compared, metrics, of_test)
            if whole not in with_parts:
                run = replace(run, validation=None)
            shared = documents.setdefault(whole, run.documents)
            # ids may be many: they are kept once and not once per run
            runs[entry.id] = replace(run, documents=shared) if run.documents == shared else run
        except StoreError as error:
            unread[entry.id] = published(str(error), ((f"{store.root}/", ""),))
    return ScoredRuns(runs, unread, corpora)


def score_run(
    store: Store,
    corpus: CorpusDescription,
    record: Record,
    compared: Container[str],
    metrics: Iterable[Metric] = METRICS,
    of_test: Iterable[Metric] = (),
) -> RunScores:
    """Score the predictions of a record; raise StoreError where they cannot be read."""
    fingerprint = record.identity.get("dataset", corpus.fingerprint)
    if fingerprint != corpus.fingerprint:
        raise StoreError("it was made on other data than the board's: the fingerprints differ")
    path = store.folder("predictions") / f"{record.predictions}.parquet"
    predictions = stored_predictions(path, corpus.label_facts, corpus.documents)
    if corpus.kind == "single-label" and any(
        (part.gold.sum(axis=1) != 1).any() for part in predictions.values()
    ):
        raise StoreError(f"{path.name}: a document of single-label data needs exactly one label")
    hard, exact_best = bool(record.facts.get("hard")), record.exact_best
    tuning = tune(corpus.kind, predictions["validation"], hard, exact_best)
    validation, test = (
        ScoredSplit(corpus.kind, predictions[split], corpus.label_facts, tuning, hard, exact_best)
        for split in ("validation", "test")
    )
    values, additive = evaluate(test, (*metrics, *of_test), compared)
    before, of_validation = evaluate(validation, metrics, compared)
    scores = _run_scores(record, test, {"validation": before, "test": values}, additive)
    groups = validation.predictions.groups
    return replace(scores, validation=ValidationScores(of_validation, groups))


def main_score(store: Store, record: Record) -> float | None:
    """Return the main metric of a record on test, None where its predictions cannot be read."""
    try:
        corpus = read_description(store, str(record.identity.get("dataset")))
        main = [metric for metric in METRICS if metric.name == corpus.main_metric]
        test = score_run(store, corpus, record, (), main).values["test"]
    except StoreError:
        return None
    return test.get(corpus.main_metric)


def _run_scores(
    record: Record, test: ScoredSplit, values: Values, additive: Mapping[str, AdditiveMetric]
) -> RunScores:
    import numpy as np

    from benchbench.evaluation import frequent, label_f1, reliability

    gold, decided = test.predictions.gold, test.decided()
    single = test.kind == "single-label"
    right = (gold & decided).any(axis=1) if single else (gold == decided).all(axis=1)
    bins = reliability(test) if test.has_probabilities else ()
    first, second = (gold, decided) if single else (gold & ~decided, decided & ~gold)
    support = tuple(gold.sum(axis=0).tolist())
    return RunScores(
        record.cell.seed,
        values,
        additive,
        Documents(
            test.predictions.ids, test.predictions.groups, support, int(frequent(test).sum())
        ),
        right,
        np.array(bins, dtype=float).reshape(-1, 3),
        label_f1(test),
        first.astype(np.float32).T @ second.astype(np.float32),
    )


def stored_predictions(
    path: Path, labels: LabelFacts, documents: Mapping[Split, int]
) -> Mapping[str, Predictions]:
    """Return the predictions of both splits; raise StoreError unless they fit the dataset.

    The file's name is its sha256, so that a changed byte is noticed.
    """
    import numpy as np

    try:
        with open_regular(path) as file:
            unchanged = hashlib.file_digest(file, "sha256").hexdigest() == path.stem
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read ({error.strerror})") from error
    if not unchanged:
        raise StoreError(f"{path.name} does not match the sha256 in its name: it was changed")
    predictions = read_predictions(path, len(labels.space.columns), documents)
    for split, part in predictions.items():
        if not len(part.ids):
            raise StoreError(f"{path.name} holds no predictions of {split}")
        if part.logits.shape[1] != len(labels.space) or not np.isfinite(part.logits).all():
            raise StoreError(f"{path.name}: {split} needs one finite score per document and label")
    return predictions
