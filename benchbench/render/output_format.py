"""What an output format is, and which ones there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from benchbench.contract import BenchbenchError, UnknownName, did_you_mean
from benchbench.leaderboard import Leaderboard
from benchbench.render import formats


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A way to show a leaderboard, declared as `FORMAT` in a file of `benchbench/render/formats`.

    `--format` takes the name of the file. `render` is called with the leaderboard, and where
    `takes_table` is true with the key of one of its tables as well.
    """

    help: str
    """One phrase, as `benchbench leaderboard --help` shows it."""
    render: Callable[..., str]
    takes_table: bool = False
    """Whether the text holds a single table, which `--table` chooses."""
    screen_only: bool = False
    """Whether the text depends on the terminal, so that `--output` makes no sense."""
    mistakes: bool = False
    """Whether the text shows what the first system of each dataset gets wrong."""

    def text(self, board: Leaderboard, table: str) -> str:
        """Return the leaderboard in this format; `table` is the key that `--table` was given."""
        return self.render(board, table) if self.takes_table else self.render(board)


def format_names() -> tuple[str, ...]:
    """Return the names of all formats, read from the names of their files: none is imported."""
    return tuple(dict.fromkeys(module.name for module in iter_modules(formats.__path__)))


def load_format(name: str) -> OutputFormat:
    """Import the format of that name.

    Raises UnknownName where there is no file of that name, BenchbenchError where the file
    declares no format.
    """
    if name not in format_names():
        raise UnknownName(f"Unknown format '{name}'{did_you_mean(name, format_names())}")
    module = import_module(f"{formats.__name__}.{name}")
    declared = getattr(module, "FORMAT", None)
    if not isinstance(declared, OutputFormat):
        raise BenchbenchError(f"{module.__file__}: no FORMAT = OutputFormat(...); add one.")
    return declared
