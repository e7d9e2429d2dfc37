"""The verdict says who is first, what it costs, what is as good, and which of these is cheapest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.evidence import System
from benchbench.evidence.values import Interval
from benchbench.leaderboard.metric_columns import MetricColumns
from benchbench.leaderboard.system_tables import Shown
from benchbench.leaderboard.verdict import verdict
from tests.support.building import board, cell, record
from tests.support.reports import section


def shown(*systems, speaks=True, interval=None):
    """Return what the verdict is made of; a system is (method, value, letters, seconds)."""
    made = section(len(systems)).evidence
    evidence = replace(
        made,
        documents=1234,
        systems=tuple(
            replace(
                one, method=method, backbone="", value=value, letters=letters, interval=interval,
                frequent=None, speaks_for_method=speaks,
            )
            for one, (method, value, letters, _) in zip(made.systems, systems, strict=True)
        ),
    )  # fmt: skip
    ranked = tuple(
        System(method, "", (), (record(cell(), cost=costs(seconds)),), ())
        for method, _, _, seconds in systems
    )
    return Shown(None, evidence, MetricColumns.on(board([])), ranked, ())


def costs(seconds):
    if seconds is None:
        return {}
    return {"fit_seconds": seconds, "documents_per_second": 100.0, "peak_ram_mib": 512}


def test_all_is_told_where_all_is_known():
    told = verdict(
        shown(("head", 0.9, "a", 600.0), ("svm", 0.85, "ab", 2.0), ("majority", 0.1, "b", 0.1),
              interval=Interval(0.8, 0.95))
    )  # fmt: skip
    assert told == (
        "head is first with macro-F1 0.900, 0.050 ahead of svm (95 % interval 0.800 to 0.950, "
        "1,234 test documents).",
        "It trains in 10 min, predicts 100 documents per second and takes 512 MiB.",
        "The test does not tell it apart from svm.",
        "The cheapest of these is svm: it trains in 2 s, predicts 100 documents per second and "
        "takes 512 MiB.",
    )


def test_a_system_that_is_told_apart_is_not_offered_as_cheaper():
    told = verdict(shown(("head", 0.9, "a", 600.0), ("svm", 0.5, "b", 2.0)))
    assert told[-1] == "The test tells it apart from every other system."


def test_where_the_first_is_the_cheapest_that_is_said():
    told = verdict(shown(("svm", 0.9, "a", 2.0), ("head", 0.89, "a", 600.0)))
    assert told[-1] == "None of these is cheaper."


@pytest.mark.parametrize("unknown", [(None, 2.0), (None, None)], ids=str)
def test_where_costs_are_not_known_nothing_is_said_of_them(unknown):
    told = verdict(shown(("head", 0.9, "a", unknown[0]), ("svm", 0.89, "a", unknown[1])))
    assert told[-1] == "The test does not tell it apart from svm."


def test_a_difference_that_no_digit_shows_is_none():
    told = verdict(shown(("head", 0.9002, "a", None), ("svm", 0.9, "a", None)))
    assert "macro-F1 0.900, level with svm (" in told[0]


def test_a_single_system_is_first_and_no_more():
    told = verdict(shown(("head", 0.9, "a", None)))
    assert told == ("head is first with macro-F1 0.900 (1,234 test documents).",)


def test_with_few_seeds_the_verdict_is_about_the_trained_models():
    told = verdict(shown(("head", 0.9, "a", None), ("svm", 0.8, "b", None), speaks=False))
    assert told[0].startswith("head is first, of these trained models, with macro-F1 0.900")


def test_many_names_are_a_number():
    many = [(f"method-{n}", 0.9 - n / 100, "a", None) for n in range(7)]
    names = "method-1, method-2, method-3, method-4 and 2 more"
    assert f"The test does not tell it apart from {names}." in verdict(shown(*many))


def test_without_evidence_there_is_no_verdict():
    empty = shown(("head", 0.9, "a", None))
    evidence = replace(empty.evidence, systems=(), pairs=(), support=(), baseline=None)
    assert verdict(replace(empty, evidence=evidence)) == ()
