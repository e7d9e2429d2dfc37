"""A store with real predictions of systems that were never trained: scores made from the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from benchbench import Outcome
from benchbench.evaluation.registry import evaluate
from benchbench.evaluation.scored import LabelFacts
from benchbench.evidence.board import write_board
from benchbench.machine import digest
from benchbench.records.predictions import read_predictions, write_predictions
from benchbench.records.store import open_store, publish, write_json
from tests.support.building import board, cell, facts, record

SYSTEMS = (("head", "llama", 2.0, 3), ("instruction", "llama", 1.9, 3), ("tfidf", "", 1.0, 1))
"""Method, backbone, how much of the truth its scores hold, and how many seeds it has."""
DOCUMENTS = {"validation": 40, "test": 120}


def store_of(folder, systems=SYSTEMS, *, kind="single-label", labels=5, unseen=0, dataset="claims"):
    """Return (store, board): records, predictions and evidence's inputs all follow from a seed."""
    store = open_store(folder / "store")
    described = corpus_facts(kind, labels, unseen, dataset)
    of_labels = LabelFacts.of(described)
    truth = {split: gold(split, kind, labels, unseen) for split in DOCUMENTS}
    records = []
    for method, backbone, skill, seeds in systems:
        for seed in range(seeds):
            outcome = folder / f"{method}-{backbone}-{seed}"
            outcome.mkdir()
            path = outcome / "predictions.parquet"
            random = np.random.default_rng([seed, *method.encode()])
            name = write_predictions(table(truth, skill, labels, random), path)
            stored = read_predictions(path, labels + unseen)
            of = cell(dataset, method, backbone or None, seed)
            one = record(
                of,
                metrics=evaluate(kind, stored, of_labels),
                predictions=name,
                curve=({"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}),
                facts={"trainable_parameters": 1000, "hard": False},
                identity={"cell": digest(of.to_json()), "dataset": described["fingerprint"],
                          "parameters": {"method": {"rank": 8 + len(method)}},
                          "packages": {"torch": "2.13.0"}},
            )  # fmt: skip
            records.append(publish(store, Outcome(one, outcome)))
    write_json(store, "datasets", described["fingerprint"], described)
    shown = facts(
        fingerprint=described["fingerprint"],
        kind=kind,
        main_metric=described["main_metric"],
        documents=described["documents"],
        labels=labels,
        unseen_labels=described["labels"]["unseen"],
    )
    made = replace(board(records, datasets={dataset: shown}), baseline_methods=("tfidf",))
    write_board(store, made, {})
    return store, made


def corpus_facts(kind, labels, unseen, dataset):
    """Return a dataset's description, as `corpus.json` has it, with a hierarchy of two levels."""
    names = [f"{'AB'[number % 2]}{number:02d}" for number in range(labels)]
    names.sort()
    return {
        "kind": kind,
        "main_metric": "macro_f1" if kind == "single-label" else "micro_f1",
        "labels": {
            "names": names,
            "texts": names,
            "parents": {name: name[0] for name in names},
            "unseen": [f"Z{number}" for number in range(unseen)],
        },
        "documents": {"train": 200, **DOCUMENTS},
        "training_counts": {name: 40 - number for number, name in enumerate(names)},
        "fingerprint": digest([kind, labels, unseen, dataset]),
    }


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
