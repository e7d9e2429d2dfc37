"""A store whose systems were "trained" on shares of the training documents: scores made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchbench import Outcome
from benchbench.catalog import at_share
from benchbench.evidence.board import BoardDataset, write_board
from benchbench.machine import digest
from benchbench.records import cell_id, key_of
from benchbench.records.attempts import publish
from benchbench.records.prediction_files import write_predictions
from benchbench.records.store import open_store
from tests.support.building import board, cell, record
from tests.support.predicted import DOCUMENTS, described, gold, table

SHARES = (0.125, 0.25, 0.5, 1.0)
SKILLS = (0.6, 1.2, 1.6, 1.9)
"""How much of the truth the scores of a system hold after training on each share."""


def store_with_shares(folder, *, kind="single-label", shares=SHARES, seeds=3, lost=()):
    """Return (store, board) of two systems; `lost` has the cells that have no record.

    A lost cell is (method, share, seed).
    """
    store, whole = open_store(folder / "store"), described(kind, 5, 0, "claims")
    truth = {split: gold(split, kind, 5, 0) for split in DOCUMENTS}
    records, missing, corpora, datasets = [], [], [], {}
    for share in shares:
        corpus = part_of(whole, share)
        corpora.append(corpus)
        for method, backbone, count in (("head", "llama", seeds), ("tfidf", "", 1)):
            for seed in range(count):
                of = cell("claims", method, backbone or None, seed)
                of = replace(of, dataset=at_share(of.dataset, share))
                datasets[of.dataset.name] = BoardDataset.of(corpus)
                if (method, share, seed) in lost:
                    missing.append(of)
                    continue
                skill = SKILLS[SHARES.index(share)] * (1 if backbone else 0.7)
                random = np.random.default_rng([seed, *method.encode()])
                rows = table(truth, skill, 5, random)
                records.append(stored(store, folder, of, corpus, rows))
    made = board(records, datasets=datasets, missing=missing)
    made = replace(made, baseline_methods=("tfidf",), seed_free_methods=("tfidf",))
    write_board(store, made, corpora)
    return store, made


def part_of(whole, share):
    """Return the description of a dataset with a share of its training documents."""
    counts = tuple(max(1, round(share * count)) for count in whole.training_counts)
    return replace(
        whole,
        documents={**whole.documents, "train": sum(counts)},
        training_counts=counts,
        fingerprint=whole.fingerprint if share == 1 else digest([whole.fingerprint, share]),
    )


def stored(store, folder, of, corpus, rows):
    """Publish a cell with these predictions; return its record."""
    identity = {
        "cell": cell_id(of),
        "seed": of.seed,
        "dataset": corpus.fingerprint,
        "parameters": {"dataset": dict(of.dataset.params), "method": {}},
    }
    outcome = folder / cell_id(of)
    outcome.mkdir()
    key = key_of(identity)
    name = write_predictions(rows, outcome / "predictions.parquet", cell_id(of), key)
    facts = {"trainable_parameters": 1000, "hard": False}
    one = record(of, predictions=name, facts=facts, identity=identity)
    return publish(store, Outcome(one, outcome))
