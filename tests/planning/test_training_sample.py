"""Samples of the training documents: nested, stratified, whole groups; other splits untouched."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.contract import Reference
from benchbench.kit.data import BuildOptions, Document, LabelSets, build_corpus, read_corpus
from benchbench.kit.data.sampling import label_sets
from benchbench.planning.training_sample import nested_sample, units_of, with_share_of_training

SHARES = (0.125, 0.25, 0.5, 0.75)
CODES = st.lists(st.integers(0, 5), min_size=1, max_size=120)
SETS = st.lists(st.lists(st.integers(0, 5), max_size=3, unique=True), min_size=1, max_size=80)


def alone(count):
    return np.arange(count)


def counts(codes, chosen):
    return Counter(np.asarray(codes)[chosen].tolist())


@given(CODES, st.integers(0, 3))
def test_a_sample_of_single_labels_is_nested_and_keeps_their_shares(codes, seed):
    labels, before = LabelSets.single(codes), set()
    for share in SHARES:
        chosen = nested_sample(labels, alone(len(codes)), share, seed)
        assert before <= set(chosen.tolist())
        before = set(chosen.tolist())
        least = max(1, round(share * len(codes)), len(set(codes)))
        assert len(chosen) == least
        found, all_of = counts(codes, chosen), Counter(codes)
        assert set(found) == set(all_of), "every label has a document"
        if least == round(share * len(codes)):
            slack = 1 + len(all_of)  # a document of each rare label may take the place of others
            for label, count in all_of.items():
                assert abs(found[label] - share * count) <= slack


@given(SETS, st.integers(0, 3))
def test_a_sample_of_several_labels_is_nested_and_has_every_label(sets, seed):
    labels, before = LabelSets.several(sets), set()
    for share in SHARES:
        chosen = nested_sample(labels, alone(len(sets)), share, seed)
        assert before <= set(chosen.tolist())
        before = set(chosen.tolist())
        assert {code for row in before for code in sets[row]} == {c for row in sets for c in row}
        assert len(chosen) >= min(len(sets), max(1, round(share * len(sets))))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=90))
@settings(max_examples=60)
def test_groups_stay_whole_and_samples_stay_nested(rows):
    codes, groups = (list(part) for part in zip(*rows, strict=True))
    _, units = np.unique(groups, return_inverse=True)
    labels, before = LabelSets.single(codes), set()
    for share in SHARES:
        chosen = set(nested_sample(labels, units, share, seed=0).tolist())
        assert before <= chosen
        before = chosen
        inside = {groups[row] for row in chosen}
        assert chosen == {row for row, group in enumerate(groups) if group in inside}
        assert {codes[row] for row in chosen} == set(codes)


def test_another_seed_draws_other_documents():
    labels = LabelSets.single([0] * 50 + [1] * 50)
    first, second = (nested_sample(labels, alone(100), 0.25, seed) for seed in (0, 1))
    assert first.tolist() != second.tolist()


def test_proportions_are_kept_to_the_document_where_classes_are_large():
    codes = [0] * 800 + [1] * 160 + [2] * 40
    chosen = nested_sample(LabelSets.single(codes), alone(1000), 0.25, seed=3)
    assert counts(codes, chosen) == {0: 200, 1: 40, 2: 10}


@pytest.fixture(params=["single-label", "multi-label"])
def corpus(request, tmp_path):
    several = request.param == "multi-label"
    documents = [
        Document(
            f"d{number}", f"text {number}",
            ("ab"[number % 2], "c") if several and number % 3 == 0 else ("ab"[number % 2],),
            group=f"g{number // 4}" if number % 8 < 4 else "",
        )
        for number in range(240)
    ]  # fmt: skip
    options = BuildOptions(split_seed=0, source="made up")
    return build_corpus(tmp_path, request.param, {"train": documents}, options=options)


def test_validation_and_test_are_unchanged_to_the_last_row(corpus):
    part = with_share_of_training(corpus, 0.25, seed=0)
    assert part.validation.to_list() == corpus.validation.to_list()
    assert part.test.to_list() == corpus.test.to_list()
    assert (part.labels, part.kind, part.main_metric) == (
        corpus.labels, corpus.kind, corpus.main_metric,
    )  # fmt: skip
    quarter = round(0.25 * len(corpus.train))
    assert quarter <= len(part.train) < quarter + 4, "a group of four may not fit exactly"
    rows = {row["id"]: row for row in corpus.train}
    assert all(rows[row["id"]] == row for row in part.train)


def test_a_group_of_the_corpus_is_one_unit(corpus):
    units, groups = units_of(corpus.train), corpus.train["group"]
    for group in {*groups} - {""}:
        assert len({unit for unit, of in zip(units, groups, strict=True) if of == group}) == 1
    ungrouped = [unit for unit, of in zip(units, groups, strict=True) if not of]
    assert len(set(ungrouped)) == len(ungrouped)


def test_a_prepared_share_is_taken_from_the_prepared_whole(tmp_path, monkeypatch):
    from benchbench.catalog import at_share, load_catalog
    from benchbench.planning.preparation import prepare

    catalog, lines = load_catalog(), []
    table = tmp_path / "table.csv"
    rows = (f"document {n} about {'ab'[n % 2]},{'ab'[n % 2]}" for n in range(200))
    table.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    whole = Reference(
        "csv", "table", {"path": catalog.dataset_reference(str(table)).params["path"],
                         "text": "text", "label": "label"},
    )  # fmt: skip
    places = {"cache": tmp_path / "cache", "say": lines.append}
    (tmp_path / "cache").mkdir()
    first, half = (
        prepare(whole, catalog, **places),
        prepare(at_share(whole, 0.5), catalog, **places),
    )
    assert prepare(at_share(whole, 0.5), catalog, **places).folder == half.folder
    assert half.fingerprint != first.fingerprint
    everything, sample = read_corpus(first.folder), read_corpus(half.folder)
    assert sample.test.to_list() == everything.test.to_list()
    assert sample.validation.to_list() == everything.validation.to_list()
    assert set(sample.train["id"]) < set(everything.train["id"])
    assert half.description.documents["train"] == round(len(everything.train) / 2)
    assert len(label_sets(sample.train)) == len(sample.train)
    assert lines == []
