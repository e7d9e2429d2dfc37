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
    """Reject step by step as in Holm (1979): stop at the first p that is too large."""
    rejections = np.zeros(len(p), dtype=bool)
    for step, test in enumerate(sorted(range(len(p)), key=lambda test: p[test])):
        if p[test] > level / (len(p) - step):
            break
        rejections[test] = True
    return rejections


@given(P_VALUES)
def test_an_adjusted_p_is_the_lowest_level_at_which_holm_rejects(p):
    adjusted = holm(p)
    for level in {*adjusted.tolist(), 0.05}:
        sure = rejected(np.array(p), level * (1 + 1e-9))
        np.testing.assert_array_equal(sure[adjusted < 1], (adjusted <= level)[adjusted < 1])


def test_adjusted_p_values_agree_with_an_example_computed_by_hand():
    # by hand: 3 * 0.01, 2 * 0.02, then 1 * 0.03 raised to those before it
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.02])), [0.04, 0.03, 0.04])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1.0, 1.0])


@given(boards())
def test_two_systems_share_a_letter_if_and_only_if_they_do_not_differ(board):
    order, significant = board
    shown = letters(order, significant)
    for first, second in combinations(range(len(order)), 2):
        assert bool(set(shown[first]) & set(shown[second])) != significant[first, second]
    assert "a" in shown[order[0]]
    assert all(list(of_system) == sorted(set(of_system)) for of_system in shown)


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
def test_the_letters_of_small_examples(order, pairs, expected):
    assert letters(order, significance(len(order), pairs)) == expected


def test_the_letters_after_z_are_aa_ab_and_so_on():
    assert [letter(number) for number in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "a", "z", "aa", "ab", "az", "ba", "zz", "aaa",
    ]  # fmt: skip
    every_pair = significance(30, combinations(range(30), 2))
    shown = letters(range(30), every_pair)
    assert shown[0] == "a" and shown[25] == "z" and shown[26] == "aa" and shown[29] == "ad"


def test_the_ranks_of_a_system_include_those_of_systems_that_do_not_differ():
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
