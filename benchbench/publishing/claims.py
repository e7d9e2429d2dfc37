"""What a board shows, held against what it comes from: records, datasets and predictions.

Each checksum of an archive is computed from the file that it stands in, so that whoever changes a
file can sign it again. What holds is that the files fit together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchbench.contract import CorpusDescription, Json, Params, Record, StoreError
from benchbench.evidence import (
    Board,
    BoardCell,
    BoardDataset,
    DatasetEvidence,
    Evidence,
    read_description,
)
from benchbench.publishing.differences import differing
from benchbench.records import Store, content_digest, predicted_for

Records = Mapping[str, Record | None]
GIVEN = ("split", "id", "gold", "main", "group")
"""The columns of predictions that were given to a system: all systems of a dataset share them."""


def claim_faults(store: Store, board: Board, records: Records, evidence: Evidence) -> Iterator[str]:
    """Yield every fault that can be told without reading predictions."""
    for entry in board.cells:
        for fault in record_faults(board, entry, records[entry.id]):
            yield f"{entry.cell.title}: {fault}"
    for name in board.datasets:
        for fault in (*dataset_faults(store, board, name), *baseline_faults(board, name, records)):
            yield f"{name}: {fault}"
    yield from evidence_faults(board, evidence)


def record_faults(board: Board, entry: BoardCell, record: Record | None) -> Iterator[str]:
    """Yield where a record was not made for the cell that it stands for on the board.

    Its cell has the board's id and key, because it was found by them.
    """
    if record is None or record.key is None:
        return
    identity, cell = record.identity, entry.cell
    dataset = board.datasets[cell.dataset.name].fingerprint
    expected = {"cell": entry.id, "seed": cell.seed, "dataset": dataset}
    for name, value in expected.items():
        if identity.get(name, value) != value:
            yield f"its record was made for another {name}: {str(identity[name])[:64]}"
    resolved = identity.get("parameters")
    if isinstance(resolved, dict):
        yield from _parameter_faults(entry, resolved)
    backbone = record.facts.get("backbone")
    kind = backbone.get("kind") if isinstance(backbone, dict) else None
    baseline = cell.method.name in board.baseline_methods
    if baseline and kind == "causal-lm":
        yield f"{cell.method.name} is said to need no language model, but has one"
    if not baseline and cell.backbone is None:
        yield f"{cell.method.name} is said to need a language model, but has none"


def _parameter_faults(entry: BoardCell, resolved: Json) -> Iterator[str]:
    cell = entry.cell
    for noun, reference in (
        ("dataset", cell.dataset), ("method", cell.method), ("backbone", cell.backbone),
    ):  # fmt: skip
        used = resolved.get(noun)
        if reference is None:
            if used is not None:
                yield "its record has parameters of a backbone, and the cell has none"
            continue
        for name, value in reference.params.items():
            if not isinstance(used, dict) or name not in used or used[name] != value:
                yield f"its record was not made with {noun}.{name} = {value}"


def dataset_faults(store: Store, board: Board, name: str) -> Iterator[str]:
    """Yield where the board and the description of a dataset differ, or cannot be so."""
    dataset = board.datasets[name]
    try:
        corpus = read_description(store, dataset.fingerprint)
    except StoreError as error:
        yield str(error)
        return
    if corpus.fingerprint != dataset.fingerprint:
        yield f"its description is that of {corpus.fingerprint[:12]}"
    stored = replace(dataset, baselines=()).to_json()
    yield from differing(stored, BoardDataset.of(corpus).to_json())
    yield from _count_faults(corpus)


def _count_faults(corpus: CorpusDescription) -> Iterator[str]:
    """Yield where the labels of the training documents cannot be as many as they are said to be."""
    train, counts = corpus.documents["train"], corpus.training_counts
    if not all(0 <= count <= train for count in counts):
        yield f"a label has more than the {train:,} training documents"
    if corpus.kind == "single-label" and sum(counts) != train:
        yield f"its labels have {sum(counts):,} training documents, but it has {train:,}"


def baseline_faults(board: Board, name: str, records: Records) -> Iterator[str]:
    """Yield the published scores that were measured on other data than the cells beside them."""
    used = list(_dataset_parameters(board, name, records))
    for score in board.datasets[name].baselines:
        for use, params in used if score.dataset else ():
            other = [n for n, value in score.params.items() if params.get(n) != value]
            if use != score.dataset or other:
                what = f"{other[0]} = {score.params[other[0]]}" if other else score.dataset
                yield f"the published score '{score.name}' was measured on {what}"
                break


def _dataset_parameters(board: Board, name: str, records: Records) -> Iterator[tuple[str, Params]]:
    """Yield the dataset that the cells of a table use, and its parameters, as records have them."""
    for entry in board.cells_of(name):
        record = records.get(entry.id)
        resolved = record.identity.get("parameters") if record else None
        params = resolved.get("dataset") if isinstance(resolved, dict) else None
        if isinstance(params, dict):
            yield entry.cell.dataset.use, params


def evidence_faults(board: Board, evidence: Evidence) -> Iterator[str]:
    """Yield where the evidence is not about the board's systems and documents."""
    if set(evidence.datasets) != set(board.wholes):
        yield "the evidence has other datasets than the board"
        return
    asked = {
        (e.cell.dataset.name, e.cell.method.name, backbone.name if backbone else "", e.cell.seed)
        for e in board.cells
        for backbone in [e.cell.backbone]
    }
    for name, compared in evidence.datasets.items():
        tested = board.datasets[name].documents["test"]
        if compared.systems and compared.documents != tested:
            yield f"{name}: the evidence has {compared.documents:,} test documents, not {tested:,}"
        yield from _learning_faults(board, name, compared)
        for system in compared.systems:
            for seed in system.seeds:
                if (name, system.method, system.backbone, seed) not in asked:
                    yield f"{name}: the evidence has a run that the board lacks: {system.name}"


def _learning_faults(board: Board, name: str, compared: DatasetEvidence) -> Iterator[str]:
    """Yield the shares of the training documents that the board does not have."""
    shares = {**board.parts_of(name), name: 1.0}
    trained = {share: board.datasets[part].documents["train"] for part, share in shares.items()}
    for score in (score for it in compared.learning for score in it.scores):
        if trained.get(score.share) != score.documents:
            yield f"{name}: the evidence has a share that the board lacks: {score.share:g}"


def prediction_faults(
    store: Store, board: Board, record: Record, given: dict[str, str]
) -> Iterator[str]:
    """Yield where predictions are of another cell, or of other documents than those beside them.

    `given` maps the name of a dataset to a digest of its documents; the first run sets it. Raises
    StoreError where predictions cannot be read.
    """
    path = predictions_path(store, record)
    made_for = predicted_for(path)
    if made_for not in (None, (record.id, record.key)):
        yield "its predictions were made for another cell or key"
    name = board.whole_of(record.cell)
    corpus = read_description(store, board.datasets[name].fingerprint)
    digest = content_digest(path, len(corpus.labels.columns), GIVEN)
    if given.setdefault(name, digest) != digest:
        yield "its documents or their labels are not those of the first run of its dataset"


def predictions_path(store: Store, record: Record) -> Path:
    """Return the file of a record's predictions."""
    return store.folder("predictions") / f"{record.predictions}.parquet"
