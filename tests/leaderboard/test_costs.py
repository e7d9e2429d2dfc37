"""What a system costs is the mean over its seeds, in numbers and in words."""

from __future__ import annotations

import pytest

from benchbench.leaderboard.costs import SystemCost
from tests.support.building import cell, record


def cost(*costs, **facts):
    return SystemCost.of(
        [record(cell(seed=n), cost=one, facts=facts) for n, one in enumerate(costs)]
    )


def test_costs_are_means_over_seeds():
    of_two = cost(
        {"fit_seconds": 10.0, "documents_per_second": 20.0, "peak_ram_mib": 100},
        {"fit_seconds": 20.0, "documents_per_second": 30.0, "peak_ram_mib": 200},
        trainable_parameters=7,
    )
    assert of_two == SystemCost(7, 15.0, 25.0, 150.0, False, False)
    assert of_two.seconds == 15.0 + 1000 / 25.0


def test_the_memory_of_a_gpu_is_told_before_that_of_the_machine():
    assert cost({"peak_ram_mib": 100, "peak_gpu_mib": 50}).words() == "takes 50 MiB of the GPU"
    assert cost({"peak_ram_mib": 100, "peak_gpu_mib": None}).words() == "takes 100 MiB"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fit_seconds": 0.2}, "trains in less than a second"),
        ({"fit_seconds": 75.0, "cells_beside": 1}, "trains in about 75 s"),
        ({"fit_seconds": 600.0, "documents_per_second": 7107.0},
         "trains in 10 min and predicts 7,100 documents per second"),
        ({"fit_seconds": 9000.0, "documents_per_second": 0.87, "peak_ram_mib": 4004},
         "trains in 2.5 h, predicts 0.87 documents per second and takes 4,004 MiB"),
        ({"fit_seconds": 75.0, "energy_kwh": 0.00123}, "trains in 75 s and uses 0.0012 kWh"),
        ({"energy_kwh": 2.5, "energy_estimated": 1}, "uses 2.5 kWh (estimated)"),
        ({}, ""),
    ],
    ids=str,
)  # fmt: skip
def test_a_cost_is_told_in_words(given, words):
    assert cost(given).words() == words


def test_a_price_per_hour_makes_money_of_seconds():
    one = cost({"fit_seconds": 1800.0, "documents_per_second": 10.0})
    assert (one.training_price(3.0), one.prediction_price(3.6)) == (1.5, pytest.approx(0.1))
    assert one.words(3.0) == (
        "trains in 30 min for 1.50 and predicts 10 documents per second at 0.083 per 1,000"
    )
    unknown = cost({})
    assert (unknown.training_price(3.0), unknown.prediction_price(3.0)) == (None, None)


def test_where_a_part_is_unknown_there_is_no_price():
    assert cost({"fit_seconds": 3.0}).seconds is None
    assert cost({"documents_per_second": 3.0}).seconds is None
