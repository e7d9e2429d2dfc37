"""A leaderboard as GitHub-flavoured markdown. Names are data: they never become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchbench.leaderboard import Leaderboard, Section, Table
from benchbench.render.characters import visible
from benchbench.render.output_format import OutputFormat

SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$!])")
BLOCK = re.compile(
    r"^(?:(?P<sign>[-+=])(?![0-9.])|(?P<number>[0-9]+)(?P<stop>[.)])(?![0-9])|(?P<space> ))"
)
"""What would open a list, a heading or a block of code at the start of a line."""
AUTOMATIC_LINK = re.compile(r"(?i)(https?|ftp|www|mailto)([:.])")


def render(board: Leaderboard) -> str:
    """Return the leaderboard as markdown, the same bytes for the same leaderboard."""
    lines = [f"# {escape(board.title)}", ""]
    if board.note:
        lines += [escape(board.note), ""]
    for section in board.sections:
        lines += _section(section)
    lines += ["## Notes", "", *(f"- {escape(note)}" for note in board.notes)]
    return "\n".join(lines) + "\n"


FORMAT = OutputFormat(
    "GitHub-flavoured markdown, as it is published: the main tables and all notes", render
)


def escape(text: str) -> str:
    """Return `text` so that it is shown as it is: no markup, no HTML, no invisible characters."""
    shown = SPECIAL.sub(r"\\\1", visible(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = AUTOMATIC_LINK.sub(r"\1&#8203;\2", shown).replace("@", "&#64;&#8203;")
    return BLOCK.sub(_harmless, shown)


def _harmless(start: re.Match[str]) -> str:
    """Return the start of a line with the character escaped that would open a block."""
    if start["space"]:
        return "&#32;"
    return f"\\{start['sign']}" if start["sign"] else f"{start['number']}\\{start['stop']}"


def _section(section: Section) -> list[str]:
    lines = [f"## {escape(section.title)}", ""]
    if section.verdict:
        lines += [escape(" ".join(section.verdict)), ""]
    lines += _table(section.ranking)
    if not section.ranking.rows:
        lines += ["No cell has a result yet.", ""]
    if section.failures:
        lines += ["Without a result:", ""]
        lines += [f"- {escape(failure)}" for failure in section.failures]
        # without a line between them, the two lists would become one
        lines += ["", "About the data and the comparison:", ""]
    lines += [*(f"- {escape(note)}" for note in section.notes), ""]
    for table in section.tables[1:]:
        if not table.lengthy:
            lines += [f"### {escape(section.title)}: {escape(table.title)}", "", *_table(table)]
    return lines


def _table(table: Table) -> list[str]:
    titles = ("#", *(column.title for column in table.columns))
    rule = ["---:", *("---" if column.words else "---:" for column in table.columns)]
    lines = [_line(titles), f"| {' | '.join(rule)} |"]
    for row in table.rows:
        place = "–" if row.place is None else str(row.place)
        texts = (entry.text for entry in row.entries)
        lines.append(_line((place, *texts), italic=row.reported))
    lines.append("")
    for note in table.notes:
        lines += [escape(note), ""]
    return lines


def _line(texts: Iterable[str], italic: bool = False) -> str:
    mark = "*" if italic else ""
    return f"| {' | '.join(f'{mark}{escape(text)}{mark}' for text in texts)} |"
