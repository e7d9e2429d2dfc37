"""Splits and samples: complete, disjoint, whole groups, every class kept, the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.kit.data.splits import (
    LabelSets,
    cover,
    stratified_group_split,
    stratified_sample,
)

FRACTIONS = (0.7, 0.1, 0.2)
documents = st.lists(
    st.tuples(st.sets(st.integers(0, 6), max_size=4), st.integers(-1, 8)), min_size=1, max_size=80
)
single_codes = st.lists(st.integers(0, 5), min_size=1, max_size=120)


def sets_and_groups(pairs):
    labels = LabelSets.several([sorted(codes) for codes, _ in pairs])
    return labels, np.array([group for _, group in pairs], np.int64)


def labels_in(labels, indices):
    return {int(code) for i in indices for code in labels.codes[slice(*labels.offsets[i : i + 2])]}


@settings(max_examples=60, deadline=None)
@given(documents, st.integers(0, 5))
def test_a_split_is_complete_disjoint_sorted_and_keeps_groups_whole(pairs, seed):
    labels, groups = sets_and_groups(pairs)
    parts = stratified_group_split(labels, groups, FRACTIONS, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert all((np.diff(part) > 0).all() for part in parts)
    homes = [set(groups[part].tolist()) - {-1} for part in parts]
    assert not (homes[0] & homes[1] or homes[0] & homes[2] or homes[1] & homes[2])


@settings(max_examples=60, deadline=None)
@given(documents, st.integers(0, 5))
def test_training_keeps_every_label_whatever_the_groups(pairs, seed):
    labels, groups = sets_and_groups(pairs)
    train = stratified_group_split(labels, groups, FRACTIONS, seed)[0]
    assert labels_in(labels, train) == set(labels.codes.tolist())


@settings(max_examples=60, deadline=None)
@given(single_codes, st.integers(0, 5))
def test_a_class_of_three_documents_or_more_is_in_every_part(codes, seed):
    labels = LabelSets.single(codes)
    parts = stratified_group_split(labels, np.full(len(codes), -1), FRACTIONS, seed)
    for code in set(codes):
        if codes.count(code) >= 3:
            assert all(code in labels_in(labels, part) for part in parts)
        else:
            assert code in labels_in(labels, parts[0])
        assert (code in labels_in(labels, parts[2])) == (codes.count(code) >= 2)


@settings(max_examples=40, deadline=None)
@given(documents, st.integers(0, 5), st.data())
def test_a_sample_has_the_size_asked_for_and_every_label(pairs, seed, data):
    labels, _ = sets_and_groups(pairs)
    present = set(labels.codes.tolist())
    limit = data.draw(st.integers(max(1, len(present)), 100))
    sample = stratified_sample(labels, limit, seed)
    assert len(set(sample.tolist())) == len(sample) == min(limit, len(labels))
    assert labels_in(labels, sample) == present
    assert sample.tolist() == stratified_sample(labels, limit, seed).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_large_classes_get_their_fractions_to_the_document(seed):
    codes = np.repeat([0, 1, 2], [1000, 100, 10])
    parts = stratified_group_split(LabelSets.single(codes), np.full(1110, -1), FRACTIONS, seed)
    counts = np.array([np.bincount(codes[part]) for part in parts])
    np.testing.assert_array_equal(counts, [[700, 70, 7], [100, 10, 1], [200, 20, 2]])


def test_groups_of_many_documents_still_come_near_their_fractions():
    random = np.random.default_rng(0)
    groups = random.integers(0, 300, 3000)
    codes = groups % 4
    parts = stratified_group_split(LabelSets.single(codes), groups, FRACTIONS, 0)
    shares = [len(part) / 3000 for part in parts]
    np.testing.assert_allclose(shares, FRACTIONS, atol=0.02)


def test_the_one_large_group_of_a_class_stays_in_training():
    groups = np.array([7] * 90 + [8] * 5 + [9] * 5, np.int64)
    for seed in range(10):
        parts = stratified_group_split(LabelSets.single([0] * 100), groups, FRACTIONS, seed)
        assert set(groups[parts[0]].tolist()) == {7}


def test_a_split_depends_on_its_seed_and_on_nothing_else():
    labels, groups = LabelSets.single([0, 1] * 50), np.full(100, -1)
    first, again, other = (
        stratified_group_split(labels, groups, FRACTIONS, seed)[2].tolist() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_sample_is_not_the_head_of_the_data_and_keeps_the_shares():
    codes = np.repeat([0, 1], [900, 100])
    sample = stratified_sample(LabelSets.single(codes), 50, 0)
    assert np.bincount(codes[sample]).tolist() == [45, 5]
    assert sample.max() > 900
    assert np.median(sample[codes[sample] == 0]) == pytest.approx(450, abs=150)


def test_a_sample_smaller_than_the_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="2 documents cannot hold 3 labels"):
        stratified_sample(LabelSets.single([0, 1, 2, 0]), 2, 0)


def test_a_cover_takes_the_document_that_holds_rare_labels_together():
    labels = LabelSets.several([[0], [0], [1, 0], [2, 1, 0]])
    assert np.flatnonzero(cover(labels, np.arange(4))).tolist() == [3]


def test_no_documents_make_empty_parts():
    parts = stratified_group_split(LabelSets.single([]), np.empty(0, np.int64), FRACTIONS, 0)
    assert [len(part) for part in parts] == [0, 0, 0]
