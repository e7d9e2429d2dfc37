"""A leaderboard as JSON: every table with unrounded values, and the evidence behind them."""

from __future__ import annotations

import json
from typing import Any

from benchbench.leaderboard import Leaderboard, Row, Section, Table
from benchbench.render.output_format import OutputFormat


def render(board: Leaderboard) -> str:
    """Return the leaderboard as JSON, keys in a fixed order, the same bytes for the same one."""
    data = {
        "title": board.title,
        "note": board.note,
        "datasets": [_section(section) for section in board.sections],
        "notes": list(board.notes),
    }
    return json.dumps(data, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


FORMAT = OutputFormat("every table with unrounded values, and the evidence behind them", render)


def _section(section: Section) -> dict[str, Any]:
    return {
        "name": section.title,
        "verdict": list(section.verdict),
        "tables": {table.key: [_row(table, row) for row in table.rows] for table in section.tables},
        "failures": list(section.failures),
        "notes": list(section.notes),
        "evidence": section.evidence.to_json() if section.evidence else None,
    }


def _row(table: Table, row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {"place": row.place, "reported": row.reported}
    for column, entry in zip(table.columns, row.entries, strict=True):
        values |= dict(zip(column.keys, entry.values, strict=True))
    return values
