"""A leaderboard as GitHub-flavoured markdown. Names are data: they never become markup."""

from __future__ import annotations

import re
import unicodedata

from benchbench.leaderboard import Leaderboard, Section

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
    shown = "".join(
        f"\\u{ord(character):04x}" if _hidden(character) else character for character in text
    )
    shown = SPECIAL.sub(r"\\\1", shown)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = AUTOMATIC_LINK.sub(r"\1&#8203;\2", shown).replace("@", "&#64;&#8203;")
    return BLOCK.sub(_harmless, shown)


def _harmless(start: re.Match[str]) -> str:
    if start["space"]:
        return "&#32;"
    return f"\\{start['sign']}" if start["sign"] else f"{start['number']}\\{start['stop']}"


def _hidden(character: str) -> bool:
    """Say whether a character would break a line, turn the text round or not be seen."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def _section(section: Section) -> list[str]:
    columns = ("#", *section.columns)
    rule = ["---:", *("---" for _ in range(section.words))]
    rule += ["---:" for _ in section.columns[section.words :]]
    lines = [f"## {escape(section.title)}", "", _line(columns), f"| {' | '.join(rule)} |"]
    for row in section.rows:
        place = "–" if row.place is None else str(row.place)
        lines.append(_line((place, *row.entries), italic=row.reported))
    if not section.rows:
        lines += ["", "No cell has a result yet."]
    if section.failures:
        lines += ["", "Without a result:", ""]
        lines += [f"- {escape(failure)}" for failure in section.failures]
        lines += ["", "About the data:"]  # between them, or two lists would become one
    return [*lines, "", *(f"- {escape(note)}" for note in section.notes), ""]


def _line(entries: tuple[str, ...], italic: bool = False) -> str:
    mark = "*" if italic else ""
    return f"| {' | '.join(f'{mark}{escape(entry)}{mark}' for entry in entries)} |"
