"""A leaderboard with evidence, made once for the tests of all formats."""

from __future__ import annotations

import pytest

from benchbench.evidence.board import records_on
from benchbench.evidence.compute import compute_evidence
from benchbench.leaderboard.build import build_leaderboard
from tests.support.predicted import store_of


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return a store, the leaderboard of its board, and the board's evidence."""
    store, board = store_of(tmp_path_factory.mktemp("store"))
    records = records_on(store, board)
    evidence = compute_evidence(store, board, records)
    return store, build_leaderboard(board, records, evidence), evidence
