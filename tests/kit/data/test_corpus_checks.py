"""What every corpus must pass, and texts that are in two splits."""

from __future__ import annotations

from dataclasses import replace

import datasets
import pytest

from benchbench import LabelSpace, LoaderError
from benchbench.kit.data.corpora import build_corpus
from benchbench.kit.data.corpus_checks import Duplicates, check_corpus, find_duplicates
from tests.support.corpora import changed, rows


def test_planted_duplicates_are_found_with_their_conflicts(tmp_path):
    train = rows(100)
    test = rows(100, "t")
    for i in range(7):
        test[i] = test[i]._replace(text=f"  R\u00a0TEXT\t{i} ")
    test[6] = test[6]._replace(labels=("fox",))
    validation = rows(10, "v")
    validation[0] = validation[0]._replace(text=test[50].text)
    documents = {"train": train, "validation": validation, "test": test}
    corpus = build_corpus(tmp_path, "single-label", documents)
    assert find_duplicates(corpus) == Duplicates(
        validation_in_train=0, test_in_train=7, test_in_validation=1, conflicting=2
    )


@pytest.mark.parametrize(
    ("split", "cells", "message"),
    [
        ("train", {"labels": [3], "main": 3}, "outside 0..2"),
        ("test", {"labels": [-1], "main": -1}, "outside 0..2"),
        ("test", {"labels": [0, 1], "main": 0}, "exactly one label"),
        ("test", {"labels": [], "main": -1}, "exactly one label"),
        ("test", {"labels": [1], "main": 0}, "main label is not among its labels"),
        ("test", {"labels": [1], "main": -1}, "main label of a single-label row"),
        ("test", {"labels": [1, 1], "main": 1}, "a label occurs twice"),
        ("test", {"weight": float("inf")}, "weight"),
        ("test", {"weight": -1.0}, "weight"),
        ("test", {"text": None}, "missing"),
        ("test", {"labels": None}, "missing"),
        ("test", {"labels": [None]}, "missing"),
        ("test", {"id": "r0"}, "the id 'r0' is used twice"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_strangers_corpus_is_refused_for_each_broken_rule(tmp_path, split, cells, message):
    documents = {"train": rows(30), "validation": rows(6, "v"), "test": rows(9, "t")}
    corpus = build_corpus(tmp_path, "single-label", documents)
    check_corpus(corpus)
    with pytest.raises(LoaderError, match=message) as caught:
        check_corpus(changed(corpus, split, 5, **cells))
    assert split in str(caught.value)


def test_a_group_that_straddles_and_an_empty_split_and_a_strange_column_are_refused(corpus):
    straddling = changed(changed(corpus, "train", 0, group="g"), "test", 0, group="g")
    with pytest.raises(LoaderError, match="the group 'g' straddles"):
        check_corpus(straddling)
    with pytest.raises(LoaderError, match="validation: the split is empty"):
        check_corpus(replace(corpus, validation=corpus.validation.select([])))
    with pytest.raises(LoaderError, match="column 'extra'"):
        check_corpus(replace(corpus, test=corpus.test.add_column("extra", [1] * 12)))
    wide = corpus.test.cast_column("main", datasets.Value("int64"))
    with pytest.raises(LoaderError, match="column 'main': expected int32, found int64"):
        check_corpus(replace(corpus, test=wide))
    with pytest.raises(LoaderError, match="at least two are needed"):
        check_corpus(replace(corpus, labels=LabelSpace(("ant",))))
