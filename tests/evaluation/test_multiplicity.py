from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.evaluation.multiplicity import holm, letter, letters, rank_intervals

P_VALUES = st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.012, 0.02, 0.04, 0.3, 1.0]), max_size=9)


def significance(systems, pairs):
    matrix = np.zeros((systems, systems), dtype=bool)
    for first, second in pairs:
        matrix[first, second] = matrix[second, first] = True
    return matrix


@st.composite
def boards(draw):
    systems = draw(st.integers(1, 7))
    pairs = [pair for pair in combinations(range(systems), 2) if draw(st.booleans())]
    return draw(st.permutations(range(systems))), significance(systems, pairs)


def rejected(p, level):
    """Walk down as Holm (1979) does: stop at the first that is too large."""
    found = np.zeros(len(p), dtype=bool)
    for step, test in enumerate(sorted(range(len(p)), key=lambda test: p[test])):
        if p[test] > level / (len(p) - step):
            break
        found[test] = True
    return found


@given(P_VALUES)
def test_an_adjusted_p_is_the_least_level_at_which_holm_rejects(p):
    adjusted = holm(p)
    for level in {*adjusted.tolist(), 0.05}:
        sure = rejected(np.array(p), level * (1 + 1e-9))
        np.testing.assert_array_equal(sure[adjusted < 1], (adjusted <= level)[adjusted < 1])


def test_holm_is_not_bonferroni_nor_unordered():
    # by hand: 3 * 0.01, 2 * 0.02, then 1 * 0.03 raised to those before it
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.02])), [0.04, 0.03, 0.04])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1.0, 1.0])


@given(boards())
def test_two_systems_share_a_letter_if_and_only_if_they_are_not_told_apart(board):
    order, significant = board
    found = letters(order, significant)
    for first, second in combinations(range(len(order)), 2):
        assert bool(set(found[first]) & set(found[second])) != significant[first, second]
    assert "a" in found[order[0]]
    assert all(list(each) == sorted(set(each)) for each in found)


@pytest.mark.parametrize(
    ("order", "pairs", "expected"),
    [
        pytest.param([0, 1, 2], [], ("a", "a", "a"), id="all-tied"),
        pytest.param([0, 1, 2], [(0, 1), (0, 2), (1, 2)], ("a", "b", "c"), id="none-tied"),
        pytest.param([0, 1, 2], [(0, 2)], ("a", "ab", "b"), id="a-chain"),
        pytest.param([2, 1, 0], [(0, 2)], ("b", "ab", "a"), id="ranked-otherwise"),
        pytest.param([0, 1, 2, 3], [(0, 2), (0, 3), (1, 3)], ("a", "ab", "bc", "c"), id="four"),
    ],
)
def test_the_letters_of(order, pairs, expected):
    assert letters(order, significance(len(order), pairs)) == expected


def test_letters_go_on_behind_z_and_then_stand_apart():
    assert [letter(number) for number in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "a", "z", "aa", "ab", "az", "ba", "zz", "aaa",
    ]  # fmt: skip
    every_pair = significance(30, combinations(range(30), 2))
    found = letters(range(30), every_pair)
    assert found[0] == "a" and found[25] == "z" and found[26] == "aa" and found[29] == "ad"


def test_ranks_reach_past_the_systems_that_are_not_told_apart():
    values = np.array([0.9, 0.8, 0.7, 0.6])
    significant = significance(4, [(0, 2), (0, 3), (1, 3)])
    assert rank_intervals(values, significant) == ((1, 2), (1, 3), (2, 4), (3, 4))


@given(boards())
def test_a_systems_own_rank_is_within_its_interval(board):
    order, significant = board
    values = np.empty(len(order))
    values[list(order)] = np.arange(len(order), 0, -1)
    for place, system in enumerate(order):
        best, worst = rank_intervals(values, significant)[system]
        assert 1 <= best <= place + 1 <= worst <= len(order)
