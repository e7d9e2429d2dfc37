"""Shares of the training documents in a grid: which cells they give, and what is refused."""

from __future__ import annotations

import pytest

from benchbench.catalog import share_of
from benchbench.contract.errors import BenchbenchError
from benchbench.grids.learning import SHARES, parse_shares
from tests.support.grids import block, cells, faults, titles


def shares(found):
    return [share_of(cell.dataset) for cell in found]


def test_every_cell_of_a_block_is_also_one_on_each_share(tmp_path):
    text = block(methods="'head', 'tfidf'", more="learning = [0.25, 1]")
    assert titles(cells(tmp_path, text)) == [
        "head · llama · claims · seed 0",
        "head · llama · claims · 25 % of training · seed 0",
        "tfidf · claims · seed 0",
        "tfidf · claims · 25 % of training · seed 0",
    ]


def test_the_whole_is_always_there_and_is_the_cell_of_a_grid_without_shares(tmp_path):
    alone = cells(tmp_path, block())
    found = cells(tmp_path, block(more="learning = [0.5]"))
    assert shares(found) == [1.0, 0.5]
    assert found[0] == alone[0]
    both = cells(tmp_path, block() + block(more="learning = [0.5, 0.25]"))
    assert shares(both) == [1.0, 0.5, 0.25]


def test_the_command_line_replaces_the_shares_of_every_block(tmp_path):
    text = block(more="learning = [0.5]") + block("'patents'")
    found = cells(tmp_path, text, learning=(1.0, 0.125))
    assert shares(found) == [1.0, 0.125, 1.0, 0.125]


def test_only_takes_the_shares_of_a_dataset_with_it(tmp_path):
    text = block("'claims', 'patents'", more="learning = [0.5]")
    found = cells(tmp_path, text, only={"dataset": frozenset({"patents"})})
    assert titles(found) == [
        "head · llama · patents · seed 0",
        "head · llama · patents · 50 % of training · seed 0",
    ]


@pytest.mark.parametrize(
    "written", ["[]", "0.5", "[0]", "[2]", "[0.5, 0.5]", "['0.5']", "[true]", "[nan]", "{ a = 1 }"]
)
def test_what_are_no_shares_is_a_fault_of_the_file(tmp_path, written):
    (fault,) = faults(tmp_path, block(more=f"learning = {written}"))
    assert fault.startswith("block 1: 'learning' is a list of different numbers above 0")


def test_a_search_does_not_go_with_shares_unless_its_values_are_set(tmp_path):
    text = block(more="learning = [0.5]\nsearch = { rank = [2, 4] }")
    (fault,) = faults(tmp_path, text)
    assert "a block that searches (rank)" in fault
    assert shares(cells(tmp_path, text, sets={"rank": "4"})) == [1.0, 0.5]


def test_the_option_reads_shares_in_any_order():
    assert parse_shares("0.25, 1,0.5") == (1.0, 0.5, 0.25)
    assert parse_shares("0.125,0.25,0.5,1") == SHARES


@pytest.mark.parametrize("text", ["", "half", "0.5,", "0,1", "1.5", "0.5,0.5", "nan", "inf", "-1"])
def test_what_are_no_shares_is_refused_in_one_line(text):
    with pytest.raises(BenchbenchError, match="--learning takes different numbers") as caught:
        parse_shares(text)
    assert "\n" not in str(caught.value)
