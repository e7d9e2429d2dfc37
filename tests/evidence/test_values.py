"""Evidence that no predictions give is refused in words, whoever signed it."""

from __future__ import annotations

import copy
import json

import pytest

from benchbench.contract import StoreError
from benchbench.evidence import Evidence, load_or_compute, read_evidence, records_on
from benchbench.machine import WrongForm, canonical, read_as
from benchbench.records.store import write_json
from tests.support.document_fuzz import quicken
from tests.support.predicted import store_of

SYSTEMS = (("head", "llama", 2.0, 2), ("tfidf", "", 1.0, 1))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a store, its board, and its evidence as plain data."""
    with pytest.MonkeyPatch.context() as patch:
        quicken(patch.setattr)
        store, board = store_of(tmp_path_factory.mktemp("values"), SYSTEMS)
        evidence = load_or_compute(store, board, records_on(store, board))
        return store, board, json.loads(canonical(evidence.to_json()))


def system(data):
    return data["datasets"]["claims"]["systems"][0]


def pair(data):
    return data["datasets"]["claims"]["pairs"][0]


def twice(values):
    values.append(values[0])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda data: pair(data).update(p=None), "pairs[0].p is null; expected a number"),
        (lambda data: pair(data).update(p_holm=1.5), "pairs[0]: its p and p_holm must be"),
        (lambda data: pair(data).update(second=7), "every pair of its 2 systems once"),
        (lambda data: data["datasets"]["claims"].update(pairs=[]), "every pair of its 2 systems"),
        (lambda data: twice(data["datasets"]["claims"]["systems"]), "a system is in it twice"),
        (lambda data: data["datasets"]["claims"].update(baseline=2), "baseline is no place"),
        (lambda data: data["datasets"]["claims"]["support"].pop(), "one number per label"),
        (lambda data: system(data).update(worst_rank=0), "its ranks run from"),
        (lambda data: system(data).update(worst_rank=3), "ranks a system"),
        (lambda data: system(data)["interval"].update(low=9.0), "interval: its low end"),
        (lambda data: system(data)["label_f1"].pop(), "label_f1 must have"),
        (lambda data: system(data).update(seeds=[0, 0]), "its seeds must be different"),
        (lambda data: system(data)["confusion"][0].__setitem__(0, 99), "not among the labels"),
        (lambda data: system(data)["reliability"][0].__setitem__(2, 0), "a bin of its reliability"),
        (lambda data: data["datasets"]["claims"].update(exchanges=-1), "must be at least 0"),
        (lambda data: min(data["values"].values(), key=str).pop("test"), "validation and test"),
    ],
)
def test_evidence_of_impossible_form_is_refused_in_words(whole, change, fault):
    data = copy.deepcopy(whole[2])
    assert read_as(Evidence, data).to_json()
    change(data)
    with pytest.raises(WrongForm) as caught:
        read_as(Evidence, data)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["values"].update({"0" * 64: min(data["values"].values(), key=str)}),
        lambda data: data["datasets"].update(other=data["datasets"].pop("claims")),
    ],
    ids=["a-cell", "a-dataset"],
)
def test_the_evidence_of_another_board_is_refused(whole, change):
    store, board, data = whole
    data = copy.deepcopy(data)
    change(data)
    write_json(store, "evidence", "board", data)
    with pytest.raises(StoreError, match="is not on the board"):
        read_evidence(store, board)
