"""Which attempts of a store its boards need: those that count, and those that these were made of.

The attempt that counts for a cell of a board stands on it. Where a cell was trained with the
artefacts of another one, its key names the key of that one, which is needed as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchbench.contract import Record, StoreError
from benchbench.evidence import Board, read_board
from benchbench.records import Store, list_names, record_that_counts, records_in


@dataclass(frozen=True, slots=True)
class Attempts:
    """The records of a store by cell, in order of attempt, and the boards that show some."""

    boards: tuple[Board, ...]
    by_cell: dict[str, list[Record]] = field(default_factory=dict)

    def all(self) -> list[Record]:
        """Return every record."""
        return [record for records in self.by_cell.values() for record in records]

    def needed(self) -> list[Record]:
        """Return the records that a board needs; all of them where the store has no board."""
        if not self.boards:
            return self.all()
        shown = {
            (entry.id, entry.key): record_that_counts(self.by_cell.get(entry.id, ()), entry.key)
            for board in self.boards
            for entry in board.cells
        }
        return self._with_upstream(record for record in shown.values() if record is not None)

    def _with_upstream(self, records: Iterable[Record]) -> list[Record]:
        """Return records with those whose artefacts they were made of, and theirs in turn."""
        of_key: dict[str, list[Record]] = defaultdict(list)
        for record in self.all():
            if record.key is not None:
                of_key[record.key].append(record)
        found: dict[tuple[str, str | None, int], Record] = {}
        waiting = list(records)
        while waiting:
            record = waiting.pop()
            if found.setdefault((record.id, record.key, record.attempt), record) is not record:
                continue
            for key in record.identity.get("upstream", ()):
                if (above := record_that_counts(of_key[key], key)) is not None:
                    waiting.append(above)
        return list(found.values())


def attempts_of(store: Store) -> Attempts:
    """Read all boards and records of a store; raise StoreError where one cannot be read.

    What a file cannot say may be that a board needs something, so nothing is guessed.
    """
    attempts = Attempts(tuple(read_board(store, name) for name in list_names(store, "boards")))
    for _, record in records_in(store):
        if isinstance(record, StoreError):
            raise StoreError(
                f"{record} What cannot be read may be needed, so nothing is removed. "
                "'benchbench ls runs' sets corrupt records aside."
            )
        attempts.by_cell.setdefault(record.id, []).append(record)
    for records in attempts.by_cell.values():
        records.sort(key=lambda record: (record.attempt, record.key or ""))
    return attempts
