"""Turn a leaderboard into text: one file per output format, with the charts of the report."""

from benchbench.render.characters import plain, plain_lines, visible
from benchbench.render.console import terminal_console
from benchbench.render.output_format import OutputFormat, format_names, load_format

__all__ = [
    "OutputFormat",
    "format_names",
    "load_format",
    "plain",
    "plain_lines",
    "terminal_console",
    "visible",
]
