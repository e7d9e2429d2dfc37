"""The command line, with one file per subcommand."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

import click

from benchbench.cli.plain_streams import make_streams_plain
from benchbench.contract import BenchbenchError
from benchbench.machine import interrupts

__all__ = ["cli", "main"]

SUMMARIES = {
    "run": "Run methods on your table, or a grid, and print the leaderboard.",
    "plan": "Show what a run would do, and how much memory and time it needs.",
    "data": "Check a dataset before anything trains on it.",
    "leaderboard": "Print, publish or check a leaderboard.",
    "predict": "Label new texts with a stored system of a board.",
    "export": "Write a stored system for use without benchbench.",
    "errors": "Show which documents and labels a system gets wrong.",
    "compare": "Compare two systems, two runs or two stores.",
    "verify": "Recompute a published leaderboard from its predictions.",
    "ls": "List plugins, datasets, methods, backbones, parameters, grids, runs or caches.",
    "plugin": "Begin a plugin package, or check installed plugins.",
    "doctor": "Check the installation, and say what to do where something is wrong.",
    "clean": "Remove what no board of a store needs, and caches.",
    "completion": "Print the script with which a shell completes commands and names.",
}
USAGE, SIGNALLED = 2, 128
"""Exit codes: wrong usage or bad input; a signal's number is added to the second one."""


class Commands(click.Group):
    """The subcommands. Each is imported when it is called, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which a user needs them."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand from the file of its name."""
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries without importing the subcommands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="benchbench")
def cli() -> None:
    """Find out which way of turning a language model into a text classifier is best on your data.

    \b
    Examples:
      benchbench run --csv claims.csv --text abstract --label class \\
          --backbone ./my-llama
      benchbench run --grid default

    'benchbench COMMAND --help' explains a command, with its rules and examples.
    """  # noqa: D301 - click reads the escape


def main() -> None:
    """Run the command line and end the process with its exit code."""
    interrupts.install()
    make_streams_plain()
    try:
        code = cli.main(standalone_mode=False)
    except BaseException as error:
        code = _explained(error)
    sys.exit(code if isinstance(code, int) else 0)


def _explained(error: BaseException) -> int:
    """Print one line about an error that the user can fix, or a stop; return the exit code."""
    by_hand = signal.SIGINT if isinstance(error, KeyboardInterrupt | click.Abort) else None
    if number := interrupts.requested() or by_hand:  # whatever a library has made of it
        sys.stderr.write("benchbench: stopped. Finished cells are kept; run again to go on.\n")
        return SIGNALLED + number
    if isinstance(error, click.ClickException):
        error.show(sys.stderr)
        return USAGE
    if isinstance(error, BenchbenchError):
        sys.stderr.write(f"benchbench: {error}\n")
        return USAGE
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, OSError):
        sys.stderr.write(f"benchbench: {_refusal(error)}\n")
        return USAGE
    raise error


def _refusal(error: OSError) -> str:
    """Return in one line what the operating system refused."""
    from benchbench.machine import fsio, redact

    where = f"{error.filename} cannot be used: " if error.filename else "The system refused: "
    return redact(
        f"{where}{fsio.reason_of(error)}. Check that disk and your permissions, and run again."
    )
