"""The files of a board follow from all records, also where other runs store some meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchbench import Outcome
from benchbench.cli import run_tables
from benchbench.cli.run_tables import write_tables
from benchbench.evidence.board import BoardCell, write_board
from benchbench.publishing.verification import verify_board
from benchbench.records.attempts import publish
from tests.support.building import Net, Table, Way, catalog_of, cell, record
from tests.support.predicted import store_of


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """Return (store, board, catalog, rounds): another run acts while the first table is made.

    Call `rounds(act)` to choose what it does; it returns a list with an entry per round.
    """
    store, board = store_of(tmp_path, (("head", "llama", 2.0, 1), ("tfidf", "", 1.0, 1)))
    late = record(cell(method="late", backbone=None), "failed", reason="too late")
    board = replace(board, cells=(*board.cells, BoardCell(late.cell, late.id, late.key)))
    methods = [Way(name, backbone_kinds=()) for name in ("head", "tfidf", "late")]
    catalog = catalog_of(datasets=[Table()], backbones=[Net()], methods=methods)
    build = run_tables.build_leaderboard

    def rounds(act):
        made = []

        def build_beside_another(*arguments):
            if not made:
                act(store, board, late)
            made.append(1)
            return build(*arguments)

        monkeypatch.setattr(run_tables, "build_leaderboard", build_beside_another)
        return made

    return store, board, catalog, rounds


def faults(store, board):
    path = store.folder("leaderboards") / f"{board.name}.md"
    return [finding.line for finding in verify_board(store, board.name, path) if finding.faults]


@pytest.mark.parametrize(
    ("act", "count"),
    [
        pytest.param(lambda store, board, late: None, 1, id="nobody-else"),
        pytest.param(
            lambda store, board, late: publish(store, Outcome(late, Path())), 2, id="a-record"
        ),
        pytest.param(
            lambda store, board, late: write_board(store, replace(board, command="other"), ()),
            2,
            id="the-board",
        ),
    ],
)
def test_whoever_writes_last_leaves_files_that_agree(shared, act, count):
    store, board, catalog, rounds = shared
    made = rounds(act)
    write_tables(store, board, catalog, lambda line: None, complete=True)
    assert len(made) == count
    assert faults(store, board) == []


def test_a_price_is_in_what_is_printed_and_not_in_what_is_written(shared):
    store, board, catalog, rounds = shared
    rounds(lambda store, board, late: None)
    written = write_tables(store, board, catalog, lambda line: None, complete=True)
    markdown = (store.folder("leaderboards") / f"{board.name}.md").read_text(encoding="utf-8")
    [section] = written.leaderboard(3.6).sections
    assert "per 1,000" in " ".join(section.verdict) and "per 1,000" not in markdown
    assert any(column.title == "price of training" for column in section.ranking.columns)
    assert "price of training" not in markdown


def test_without_the_second_round_the_files_would_not_agree(shared, monkeypatch):
    store, board, catalog, rounds = shared
    monkeypatch.setattr(run_tables, "MOST_ROUNDS", 1)
    rounds(lambda store, board, late: publish(store, Outcome(late, Path())))
    write_tables(store, board, catalog, lambda line: None, complete=True)
    assert faults(store, board)
