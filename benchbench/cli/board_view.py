"""How a leaderboard is looked at: in which format, ranked by what, which table, written where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from benchbench.contract import BenchbenchError
from benchbench.leaderboard import Leaderboard
from benchbench.render import OutputFormat, load_format
from benchbench.render.formats import terminal

OF_FILES = {".html": "html", ".htm": "html", ".csv": "csv", ".json": "json", ".tex": "latex"}
"""The format of a file by the end of its name, where none is asked for."""


@dataclass(frozen=True, slots=True)
class BoardView:
    """What `benchbench leaderboard` was asked to show of a board, and where to write it.

    `metric` ranks; None is each dataset's main metric. `whole` is for all columns and notes.
    """

    form: str | None
    metric: str | None
    table: str
    whole: bool
    price_per_hour: float | None
    output: Path | None

    def settled(self, console: Console) -> BoardView:
        """Return the view with a format; raise BenchbenchError for what does not go together."""
        usual = "terminal" if console.is_terminal else "markdown"
        if self.output is not None:
            usual = OF_FILES.get(self.output.suffix.lower(), "markdown")
        form = self.form or usual
        view = replace(self, form=form)
        if view.whole and form != "terminal":
            raise BenchbenchError(
                f"--all is for the terminal: --format {form} has all in any case."
            )
        if view.output is not None and view.format.screen_only:
            raise BenchbenchError(f"--format {form} writes to no file; leave --output out.")
        if view.table != terminal.RANKING and not view.format.takes_table:
            raise BenchbenchError(
                f"--table {view.table}: --format {form} shows no single table; take --format csv."
            )
        return view

    @property
    def format(self) -> OutputFormat:
        """The output format of a settled view."""
        return load_format(str(self.form))

    def text(self, board: Leaderboard) -> str:
        """Return what a settled view shows of a leaderboard."""
        if self.whole:
            return terminal.render(board, self.table, whole=True)
        return self.format.text(board, self.table)
