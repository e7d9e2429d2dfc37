"""A limit: a seeded sample of every split that keeps every label."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench import LoaderError
from benchbench.kit.data.corpora import build_corpus
from benchbench.kit.data.corpus_checks import check_corpus
from benchbench.kit.data.corpus_store import training_counts, write_corpus
from benchbench.kit.data.document import Document
from benchbench.kit.data.sampling import limit_corpus
from tests.support.corpora import several


def test_a_limit_samples_every_split_keeps_every_label_and_the_label_space(corpus, tmp_path):
    limited = limit_corpus(corpus, 5, seed=0)
    assert [len(getattr(limited, s)) for s in ("train", "validation", "test")] == [5, 5, 5]
    assert set(limited.train["main"]) == {0, 1, 2}
    assert limited.labels == corpus.labels
    assert limited.train["id"][:] != corpus.train["id"][:5]
    check_corpus(limited)
    same = limit_corpus(replace(corpus, validation=corpus.test), 5, seed=0)
    assert same.train["id"][:] == limited.train["id"][:]
    assert limit_corpus(corpus, 5, seed=1).train["id"][:] != limited.train["id"][:]
    assert write_corpus(limited, tmp_path / "a") != write_corpus(corpus, tmp_path / "b")
    assert len(limit_corpus(corpus, 1000, seed=0).train) == 42


def test_a_limit_keeps_labels_that_only_stand_beside_others(tmp_path):
    rare = Document("rare", "text", ("zebra", "gnu"), main="zebra")
    documents = {"train": [*several(300), rare], "test": several(9, "t")}
    corpus = build_corpus(tmp_path, "multi-label", documents)
    limited = limit_corpus(corpus, 4, seed=3)
    assert all(count > 0 for count in training_counts(limited))


def test_a_limit_below_the_number_of_labels_names_the_least(corpus):
    with pytest.raises(LoaderError, match="at least 3"):
        limit_corpus(corpus, 2, seed=0)
