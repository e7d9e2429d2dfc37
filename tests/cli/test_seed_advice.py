from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.cli.seed_advice import seed_advice
from tests.support.building import board, cell, record


def of(*cells, seed_free=()):
    return replace(board([record(each) for each in cells]), seed_free_methods=seed_free)


def test_fewer_than_three_seeds_of_a_method_that_has_seeds_are_named():
    made = of(*(cell("claims", "head", "llama", seed) for seed in range(2)), cell("claims", "svm"))
    assert seed_advice(replace(made, seed_free_methods=("svm",))).startswith(
        "head · llama: fewer than 3 seeds"
    )


@pytest.mark.parametrize("seeds", [3, 5])
def test_three_seeds_or_more_need_no_advice(seeds):
    assert seed_advice(of(*(cell("claims", "head", "llama", seed) for seed in range(seeds)))) == ""


def test_a_method_whose_seed_does_not_matter_needs_no_advice():
    assert seed_advice(of(cell("claims", "svm"), seed_free=("svm",))) == ""
    assert seed_advice(of(cell("claims", "svm"))) != ""


def test_the_seeds_of_another_dataset_do_not_count():
    cells = [cell(data, "head", "llama", seed) for data in ("a", "b") for seed in range(2)]
    assert "head · llama" in seed_advice(of(*cells))
