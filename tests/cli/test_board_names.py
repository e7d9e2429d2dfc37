"""A narrowed run has a board of its own, and no board loses cells to a run that leaves them out."""

from __future__ import annotations

import pytest

from benchbench.cli.board_names import BoardName, named, words_of
from benchbench.contract import StoreError
from benchbench.evidence import write_board
from benchbench.grids import Overrides
from benchbench.grids.references import find_backbone, find_dataset, find_method
from benchbench.records import open_store
from tests.support.building import board, cell, record
from tests.support.grids import CATALOG

NARROWED = {
    "only": (["dataset=claims,method=tfidf-svm"], {}, "only-claims-tfidf-svm"),
    "seeds": ([], {"seeds": (0, 1)}, "seeds-0-1"),
    "limit": ([], {"limit": 300}, "limit-300"),
    "set": ([], {"sets": {"head.rank": "8"}}, "set-head.rank-8"),
}


def words(only=(), grid="default", **overrides):
    return words_of({"only": list(only), "grid": grid}, Overrides(**overrides))


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


def held(store, name, *methods):
    """Write a board of these methods; return the ids of its cells."""
    records = [record(cell(method=method)) for method in methods]
    made = board(records)
    write_board(store, type(made)(name, made.title, made.cells, made.datasets), ())
    return [entry.id for entry in made.cells]


@pytest.mark.parametrize("grid", ["default", None], ids=["grid", "own data"])
@pytest.mark.parametrize("case", NARROWED)
def test_each_option_that_narrows_a_run_is_in_the_name_of_its_board(store, case, grid):
    only, overrides, suffix = NARROWED[case]
    found = BoardName("default", False, words(only, grid, **overrides).narrowed)
    name, line = found.settled([], store)
    assert name == f"default-{suffix}"
    assert line == f"The board of this run is '{name}', not 'default'."


def test_members_in_place_of_a_grids_are_in_the_name_and_on_own_data_only_where_needed():
    members = {
        "datasets": (find_dataset("claims", CATALOG),),
        "methods": (find_method("tfidf", CATALOG),),
        "backbones": (find_backbone("llama", CATALOG),),
    }
    assert words(**members).narrowed == ("claims", "tfidf", "llama")
    own = words(grid=None, **members)
    assert (own.narrowed, own.chosen) == ((), ("tfidf", "llama"))


def test_a_run_that_leaves_cells_out_keeps_the_board_that_has_them(store):
    ids = held(store, "claims", "head", "tfidf")
    narrow = BoardName("claims", chosen=("tfidf",))
    name, line = narrow.settled(ids[1:], store)
    assert name == "claims-tfidf"
    assert "Board 'claims' has 1 cell that this run leaves out, so it stays as it is" in line


def test_the_same_cells_and_more_take_the_place_of_their_own_board(store):
    ids = held(store, "claims", "head", "tfidf")
    for more in ([], ["another"]):
        assert BoardName("claims", chosen=("x",)).settled([*ids, *more], store) == ("claims", "")


def test_a_name_that_is_given_wins_unless_its_board_would_lose_cells(store):
    asked = BoardName("mine", True, ("only", "tfidf"))
    assert asked.settled(["any"], store) == ("mine", "")
    ids = held(store, "mine", "head", "tfidf")
    assert asked.settled(ids, store) == ("mine", "")
    assert asked.settled(ids[1:], store)[0] == "mine-only-tfidf"


def test_the_board_of_a_grid_that_was_edited_changes_with_it_and_the_user_is_told(store):
    ids = held(store, "default", "head", "tfidf")
    name, line = BoardName("default").settled(ids[:1], store)
    assert name == "default"
    assert line.startswith("Board 'default' loses 1 cell that this run does not have")


def test_names_that_lose_a_character_or_are_long_end_in_a_digest():
    hostile = [named("t", ["set", "path", text]) for text in ("a b", "a-b", "a/b", "A-b", "é" * 99)]
    assert len(set(hostile)) == len(hostile)
    assert named("t", ["set", "path", "a-b"]) == "t-set-path-a-b"
    assert max(map(len, [named("b" * 80, ["x" * 300]), *hostile])) <= 100


def test_an_empty_name_is_refused():
    with pytest.raises(StoreError, match="cannot name a board"):
        named("", [])
