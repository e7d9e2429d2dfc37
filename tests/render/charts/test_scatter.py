"""Quality against cost: the Pareto front, and what a scatter shows."""

from __future__ import annotations

from random import Random

import pytest

from benchbench.render.charts.scatter import Dot, pareto_front, scatters
from tests.support.reports import section


@pytest.mark.parametrize("lower", [False, True], ids=["a score", "an error"])
@pytest.mark.parametrize("gain", [False, True], ids=["less is better", "more is better"])
def test_the_front_is_what_no_system_dominates(gain, lower):
    random = Random(5)
    sign, worth = (-1 if gain else 1), (-1 if lower else 1)
    for size in range(1, 60):
        dots = [
            Dot(place, f"{place}", random.randint(0, 9), random.randint(0, 9) / 10)
            for place in range(size)
        ]

        def dominates(one, other):
            costs = sign * one.cost, sign * other.cost
            worths = worth * one.quality, worth * other.quality
            as_good = worths[0] >= worths[1] and costs[0] <= costs[1]
            return as_good and (worths[0] > worths[1] or costs[0] < costs[1])

        expected = {dot for dot in dots if not any(dominates(other, dot) for other in dots)}
        assert set(pareto_front(dots, gain=gain, lower_is_better=lower)) == expected


def test_a_scatter_leaves_out_what_is_not_ranked_and_names_its_front():
    one = section(6, 5)
    found = {each.cost.key: each for each in scatters(one.tables[0], "macro_f1", "macro-F1")}
    assert list(found) == [
        "fit_seconds", "documents_per_second", "peak_mib", "trainable_parameters"
    ]  # fmt: skip
    for each in found.values():
        dots = [shape for shape in each.picture.shapes if shape.element == "circle"]
        assert len(dots) == 6
        assert all(dot.name in each.picture.description for dot in each.front)
