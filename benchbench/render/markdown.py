"""A leaderboard as GitHub-flavoured markdown. Names are data: they never become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchbench.leaderboard import Leaderboard, Section, Table
from benchbench.render.characters import visible

SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$!])")
BLOCK = re.compile(
    r"^(?:(?P<sign>[-+=])(?![0-9.])|(?P<number>[0-9]+)(?P<stop>[.)])(?![0-9])|(?P<space> ))"
)
"""What at the start of a line would open a list, a heading or a block of code."""
AUTOMATIC_LINK = re.compile(r"(?i)(https?|ftp|www|mailto)([:.])")


def render(board: Leaderboard) -> str:
    """Return the leaderboard as markdown, the same bytes for the same board."""
    lines = [f"# {escape(board.title)}", ""]
    if board.note:
        lines += [escape(board.note), ""]
    for section in board.sections:
        lines += _section(section)
    lines += ["## Notes", "", *(f"- {escape(note)}" for note in board.notes)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return `text` so that it is shown as it is: no markup, no HTML, no invisible characters."""
    shown = SPECIAL.sub(r"\\\1", visible(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = AUTOMATIC_LINK.sub(r"\1&#8203;\2", shown).replace("@", "&#64;&#8203;")
    return BLOCK.sub(_harmless, shown)


def _harmless(start: re.Match[str]) -> str:
    if start["space"]:
        return "&#32;"
    return f"\\{start['sign']}" if start["sign"] else f"{start['number']}\\{start['stop']}"


def _section(section: Section) -> list[str]:
    lines = [f"## {escape(section.title)}", "", *_table(section.ranking)]
    if not section.ranking.rows:
        lines += ["No cell has a result yet.", ""]
    if section.failures:
        lines += ["Without a result:", ""]
        lines += [f"- {escape(failure)}" for failure in section.failures]
        lines += ["", "About the data and the comparison:", ""]  # or two lists would become one
    lines += [*(f"- {escape(note)}" for note in section.notes), ""]
    for table in section.tables[1:]:
        if table.lengthy:
            continue
        lines += [f"### {escape(section.title)}: {escape(table.title)}", "", *_table(table)]
    return lines


def _table(table: Table) -> list[str]:
    columns = ("#", *(column.title for column in table.columns))
    rule = ["---:", *("---" if column.words else "---:" for column in table.columns)]
    lines = [_line(columns), f"| {' | '.join(rule)} |"]
    for row in table.rows:
        place = "–" if row.place is None else str(row.place)
        texts = (entry.text for entry in row.entries)
        lines.append(_line((place, *texts), italic=row.reported))
    lines.append("")
    for note in table.notes:
        lines += [escape(note), ""]
    return lines


def _line(entries: Iterable[str], italic: bool = False) -> str:
    mark = "*" if italic else ""
    return f"| {' | '.join(f'{mark}{escape(entry)}{mark}' for entry in entries)} |"
