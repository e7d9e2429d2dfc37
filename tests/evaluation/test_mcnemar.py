from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest

from benchbench.evaluation.mcnemar import McNemar, mcnemar_test


def answers(both, only_first, only_second, neither):
    counts = (both, only_first, only_second, neither)
    first = np.repeat([True, True, False, False], counts)
    second = np.repeat([True, False, True, False], counts)
    return first, second


@pytest.mark.parametrize(("b", "c"), list(product(range(7), repeat=2)))
def test_p_is_the_mid_p_over_all_outcomes_of_the_differing_documents(b, c):
    n, m = b + c, min(b, c)
    outcomes = [sum(outcome) for outcome in product([0, 1], repeat=n)]
    # Fagerland et al. (2013): the outcome that was observed counts half
    extreme = 2 * sum(x <= m for x in outcomes) - sum(x == m for x in outcomes)
    expected = Fraction(extreme, len(outcomes))
    test = mcnemar_test(*answers(3, b, c, 2))
    assert (test.only_first, test.only_second) == (b, c)
    assert test.p == pytest.approx(float(expected), abs=1e-12)
    assert b != c or test.p == pytest.approx(1, abs=1e-12)


def test_the_p_of_many_documents_is_exact():
    expected = Fraction(2 * sum(comb(500, x) for x in range(221)) - comb(500, 220), 2**500)
    assert mcnemar_test(*answers(0, 280, 220, 0)).p == pytest.approx(float(expected), rel=1e-9)


def test_classifiers_that_never_differ_have_a_p_of_one():
    same = np.array([True, False, True])
    assert mcnemar_test(same, same) == McNemar(0, 0, 1.0)
