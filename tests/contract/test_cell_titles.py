"""Cells of one title are told apart by the parameters that differ."""

from __future__ import annotations

from benchbench.contract import Cell, Reference, titles_of


def cell(seed=0, **params):
    return Cell(Reference("claims", "claims"), Reference("head", "head", params), None, seed)


def test_the_tries_of_a_search_have_titles_that_tell_them_apart():
    titles = titles_of([cell(rank=8, pooling="last"), cell(rank=16, pooling="last"), cell(1)])
    assert list(titles.values()) == [
        "head · claims · seed 0 · rank = 8",
        "head · claims · seed 0 · rank = 16",
        "head · claims · seed 1",
    ]


def test_a_parameter_that_a_cell_does_not_ask_for_is_left_out_of_its_title():
    assert list(titles_of([cell(), cell(rank=8), cell()]).values()) == [
        "head · claims · seed 0",
        "head · claims · seed 0 · rank = 8",
    ]
