"""The board, the evidence and the leaderboard that a run leaves, also beside other runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from benchbench.catalog import Catalog
from benchbench.contract import Record
from benchbench.evidence import (
    Board,
    Evidence,
    compute_values,
    load_or_compute,
    records_on,
    with_plugin_results,
    write_board,
)
from benchbench.leaderboard import Leaderboard, build_leaderboard
from benchbench.machine import fsio
from benchbench.records import Store, sealed
from benchbench.render.formats import markdown

MOST_ROUNDS = 20
"""How often the files of a board are written at most, while other runs go on changing them."""


@dataclass(frozen=True, slots=True)
class WrittenBoard:
    """A board as it was written, with the records and the evidence that it was written from."""

    board: Board
    records: Mapping[str, Record | None]
    evidence: Evidence

    def leaderboard(self, price_per_hour: float | None = None) -> Leaderboard:
        """Return its leaderboard; with a price per hour, costs are told in money, too."""
        return build_leaderboard(self.board, self.records, self.evidence, price_per_hour)


def write_tables(
    store: Store, board: Board, catalog: Catalog, say: Callable[[str], None], *, complete: bool
) -> WrittenBoard:
    """Write the board, its evidence and its markdown, and return what they were made from.

    Another run may store records of this board meanwhile, or write the board too. So all are
    written again until nothing has changed since they were begun: the files of whichever run
    writes last then follow from all records. A run that was stopped does not wait for intervals
    and tests.
    """
    path = store.folder("leaderboards") / f"{board.name}.md"
    for _ in range(MOST_ROUNDS):
        records = records_on(store, board)
        frozen = with_plugin_results(board, catalog, store, say, tests=complete)
        write_board(store, frozen, ())
        evidence = (
            load_or_compute(store, frozen, records, say)
            if complete
            else compute_values(store, frozen, records)
        )
        written = WrittenBoard(frozen, records, evidence)
        fsio.replace(path, markdown.render(written.leaderboard()).encode())
        if records_on(store, board) == records and _is_stored(store, frozen):
            break
    return written


def _is_stored(store: Store, board: Board) -> bool:
    """Say whether the stored board is this one."""
    with suppress(OSError):
        stored = (store.folder("boards") / f"{board.name}.json").read_bytes()
        return stored == sealed(board.to_json())
    return False
