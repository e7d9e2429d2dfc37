"""A store with real predictions of systems that were never trained: scores made from the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from benchbench import Outcome
from benchbench.contract import CorpusDescription, LabelSpace, LoadReport
from benchbench.evidence.board import BoardDataset, write_board
from benchbench.machine import digest
from benchbench.records import cell_id, key_of
from benchbench.records.attempts import publish
from benchbench.records.prediction_files import write_predictions
from benchbench.records.store import open_store
from tests.support.building import board, cell, record

SYSTEMS = (("head", "llama", 2.0, 3), ("instruction", "llama", 1.9, 3), ("tfidf", "", 1.0, 1))
"""Method, backbone, how much of the truth its scores hold, and how many seeds it has."""
DOCUMENTS = {"validation": 40, "test": 120}


def store_of(folder, systems=SYSTEMS, *, kind="single-label", labels=5, unseen=0, dataset="claims"):
    """Return (store, board): records, predictions and evidence's inputs all follow from a seed."""
    store = open_store(folder / "store")
    corpus = described(kind, labels, unseen, dataset)
    truth = {split: gold(split, kind, labels, unseen) for split in DOCUMENTS}
    records = []
    for method, backbone, skill, seeds in systems:
        for seed in range(seeds):
            outcome = folder / f"{method}-{backbone}-{seed}"
            outcome.mkdir()
            path = outcome / "predictions.parquet"
            random = np.random.default_rng([seed, *method.encode()])
            of = cell(dataset, method, backbone or None, seed)
            identity = {
                "cell": cell_id(of),
                "seed": seed,
                "dataset": corpus.fingerprint,
                "parameters": {"dataset": {"limit": 0}, "method": {"rank": 8 + len(method)}},
                "packages": {"torch": "2.13.0"},
            }
            rows = table(truth, skill, labels, random)
            name = write_predictions(rows, path, cell_id(of), key_of(identity))
            one = record(
                of,
                predictions=name,
                curve=({"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}),
                facts={"trainable_parameters": 1000, "hard": False},
                identity=identity,
            )
            records.append(publish(store, Outcome(one, outcome)))
    made = board(records, datasets={dataset: BoardDataset.of(corpus)})
    made = replace(made, baseline_methods=("tfidf",))
    write_board(store, made, [corpus])
    return store, made


def described(kind, labels, unseen, dataset):
    """Return a dataset's description, with a hierarchy of two levels."""
    names = tuple(sorted(f"{'AB'[number % 2]}{number:02d}" for number in range(labels)))
    unknown = tuple(f"Z{number}" for number in range(unseen))
    counts = tuple(40 - number for number in range(labels))
    train = sum(counts)
    return CorpusDescription(
        kind,
        "macro_f1" if kind == "single-label" else "micro_f1",
        LabelSpace(names, names, {name: name[0] for name in names}, unknown),
        {"train": train, **DOCUMENTS},
        1000,
        counts,
        LoadReport(train + 160, train + 160),
        digest([kind, labels, unseen, dataset]),
    )


def gold(split, kind, labels, unseen):
    """Return a list of labels a document; every third document shares its group with the next."""
    random = np.random.default_rng(DOCUMENTS[split])
    most = 1 if kind == "single-label" else 3
    return [
        sorted(random.choice(labels + unseen, random.integers(1, most + 1), replace=False).tolist())
        for _ in range(DOCUMENTS[split])
    ]


def table(truth, skill, labels, random):
    """Return predictions whose scores are noise, and `skill` more where a label is true."""
    parts = []
    for split, lists in truth.items():
        logits = random.normal(size=(len(lists), labels)).astype(np.float32)
        for row, own in enumerate(lists):
            logits[row, [label for label in own if label < labels]] += skill
        groups = [f"g{row // 3}" if row % 3 < 2 else "" for row in range(len(lists))]
        values = pa.array(logits.ravel(), pa.float32())
        parts.append(
            pa.table(
                {
                    "split": pa.array([split] * len(lists), pa.string()),
                    "id": pa.array([f"{split}-{row}" for row in range(len(lists))]),
                    "gold": pa.array(lists, pa.list_(pa.int32())),
                    "main": pa.array([own[0] for own in lists], pa.int32()),
                    "group": pa.array(groups, pa.string()),
                    "logits": pa.FixedSizeListArray.from_arrays(values, labels),
                }
            )
        )
    return pa.concat_tables(parts)
