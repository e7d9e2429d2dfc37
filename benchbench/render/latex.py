"""Tables for a paper: LaTeX with booktabs. Names are data: no character of theirs is a command."""

from __future__ import annotations

from benchbench.leaderboard import Leaderboard, Section, Table
from benchbench.render.characters import visible

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "–": "--", "±": r"$\pm$", "·": r"$\cdot$", "*": r"$^{*}$", "[": "{[}", "]": "{]}",
    "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
}  # fmt: skip


def render(board: Leaderboard) -> str:
    """Return a `table` environment for every table; it needs booktabs and textcomp."""
    lines = [f"% {escape(board.title)}", r"% needs \usepackage{booktabs,textcomp}", ""]
    for section in board.sections:
        for table in section.tables:
            if table.rows and not table.lengthy:
                lines += _table(section, table)
    lines += [f"% {escape(note)}" for note in board.notes]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return `text` so that LaTeX sets it as it is."""
    return "".join(SPECIAL.get(character, character) for character in visible(text))


def _table(section: Section, table: Table) -> list[str]:
    form = "r" + "".join("l" if column.words else "r" for column in table.columns)
    head = " & ".join([r"\#", *(escape(column.title) for column in table.columns)])
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{escape(section.title)}: {escape(table.title)}.}}",
        rf"\begin{{tabular}}{{{form}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
    ]
    for row in table.rows:
        place = "--" if row.place is None else str(row.place)
        texts = [place, *(escape(entry.text) for entry in row.entries)]
        if row.reported:
            texts = [rf"\textit{{{text}}}" for text in texts]
        lines.append(" & ".join(texts) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
