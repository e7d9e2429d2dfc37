"""The values of a table, read by the keys of its columns."""

from __future__ import annotations

from benchbench.leaderboard import Row, Table, Value


class TableReader:
    """Reads the rows of a table by the keys of its columns."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._places = {
            key: (number, place)
            for number, column in enumerate(table.columns)
            for place, key in enumerate(column.keys)
        }

    def __contains__(self, key: str) -> bool:
        """Say whether the table has values of this name."""
        return key in self._places

    def column(self, key: str) -> int | None:
        """Return the number of the column that holds these values, None where none does."""
        return self._places[key][0] if key in self else None

    def value(self, row: Row, key: str) -> Value:
        """Return a value of a row, None where the table has no such column."""
        if key not in self:
            return None
        column, place = self._places[key]
        return row.entries[column].values[place]

    def number(self, row: Row, key: str) -> float | None:
        """Return a value of a row if it is a number, else None."""
        value = self.value(row, key)
        return float(value) if isinstance(value, float | int) else None

    def system(self, row: Row) -> tuple[str, str]:
        """Return the method and the backbone of a row; the backbone is "" where there is none."""
        method, backbone = self.value(row, "method"), self.value(row, "backbone")
        return str(method or ""), "" if backbone in (None, "–") else str(backbone)

    def name(self, row: Row) -> str:
        """Name the system of a row for people, as its evidence does."""
        return " · ".join(part for part in self.system(row) if part)
