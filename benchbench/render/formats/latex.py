"""A leaderboard as LaTeX tables with booktabs. Names are data: they never become commands."""

from __future__ import annotations

from benchbench.leaderboard import Leaderboard, Section, Table
from benchbench.render.characters import visible
from benchbench.render.output_format import OutputFormat

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "–": "--", "±": r"$\pm$", "·": r"$\cdot$", "*": r"$^{*}$", "[": "{[}", "]": "{]}",
    "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
}  # fmt: skip


def render(board: Leaderboard) -> str:
    """Return one `table` environment per table; they need booktabs and textcomp."""
    lines = [f"% {escape(board.title)}", r"% needs \usepackage{booktabs,textcomp}", ""]
    for section in board.sections:
        for table in section.tables:
            if table.rows and not table.lengthy:
                lines += _table(section, table)
    lines += [f"% {escape(note)}" for note in board.notes]
    return "\n".join(lines) + "\n"


FORMAT = OutputFormat("one table environment per table, for a paper; needs booktabs", render)


def escape(text: str) -> str:
    """Return `text` so that LaTeX prints it as it is."""
    return "".join(SPECIAL.get(character, character) for character in visible(text))


def _table(section: Section, table: Table) -> list[str]:
    alignment = "r" + "".join("l" if column.words else "r" for column in table.columns)
    head = " & ".join([r"\#", *(escape(column.title) for column in table.columns)])
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{escape(section.title)}: {escape(table.title)}.}}",
        rf"\begin{{tabular}}{{{alignment}}}",
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
