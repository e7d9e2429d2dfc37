"""Descriptions of corpora are read as they were written; what no corpus has is refused."""

from __future__ import annotations

import json

import pytest

from benchbench.contract import CorpusDescription, LabelSpace, LoadReport, is_storable
from benchbench.machine import WrongForm, canonical, digest, read_as


def described():
    """Return the plain data of a corpus with a hierarchy."""
    corpus = CorpusDescription(
        "single-label",
        "macro_f1",
        LabelSpace(("a", "b"), ("A", "B"), {"a": "top", "b": "top", "top": "root"}, ("z",)),
        {"train": 80, "validation": 10, "test": 10},
        40_000,
        (40, 41),
        LoadReport(101, 100, ("x:3: empty",)),
        digest("claims"),
    )
    return corpus, json.loads(canonical(corpus.to_json()))


def test_a_description_is_read_as_it_was_written():
    corpus, data = described()
    assert read_as(CorpusDescription, data) == corpus


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda data: data["labels"]["parents"].update(root="a"), "run in a circle"),
        (lambda data: data["labels"]["parents"].update(a="a"), "run in a circle"),
        (lambda data: data["labels"].update(unseen=["a"]), "labels: unseen labels must be"),
        (lambda data: data["labels"].update(names=["b", "a"]), "every label, in the order"),
        (lambda data: data["training_counts"].update(c=1), "every label, in the order"),
        (lambda data: data["training_counts"].update(a=-1), "training_counts[0] is -1"),
        (lambda data: data.update(training_counts=[1]), "one number per label"),
        (lambda data: data["labels"].update(texts=["A", "A"]), "labels: label texts must be"),
        (lambda data: data["report"].update(seen=7), "report: rows were lost"),
        (lambda data: data["documents"].update(test="x"), 'documents.test is "x"'),
        (lambda data: data["documents"].update(more=1), 'documents.more is "more"'),
        (lambda data: data.update(fingerprint="x"), "fingerprint is"),
    ],
)
def test_what_no_corpus_has_is_refused_in_words(change, fault):
    _, data = described()
    change(data)
    with pytest.raises(WrongForm) as caught:
        read_as(CorpusDescription, data)
    assert fault in str(caught.value)


def test_a_value_that_a_document_can_hold_is_finite_and_of_bounded_size():
    assert all(map(is_storable, (2**63 - 1, -1e100, True, "x" * 100_000)))
    nan, infinite = float("nan"), float("inf")
    assert not any(map(is_storable, (2**63, 10**400, 1e101, nan, infinite, "x" * 100_001)))
