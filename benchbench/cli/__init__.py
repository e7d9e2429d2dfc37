"""The command line, with one file per subcommand."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType

import click

from benchbench.contract import BenchbenchError

__all__ = ["cli", "main"]

SUMMARIES = {
    "run": "Run methods on your table, or a grid, and print the leaderboard.",
    "plan": "Show what a run would do, and how much memory and time it needs.",
    "leaderboard": "Print, publish or check a leaderboard.",
    "compare": "Compare two systems, two runs or two stores.",
    "verify": "Recompute a published leaderboard from its predictions.",
    "ls": "List plugins, datasets, methods, backbones, parameters, grids, runs or caches.",
}
USAGE, INTERRUPTED, TERMINATED = 2, 130, 143
"""Exit codes: wrong usage or bad input, Ctrl-C, SIGTERM."""


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


class Terminated(KeyboardInterrupt):
    """Raised by SIGTERM, and handled like Ctrl-C but for the exit code."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = USAGE
    except BenchbenchError as error:
        click.echo(f"benchbench: {error}", err=True)
        code = USAGE
    except (KeyboardInterrupt, click.Abort) as stop:
        click.echo("benchbench: stopped. Finished cells are kept; run again to go on.", err=True)
        # click turns every KeyboardInterrupt into an Abort of its own
        terminated = isinstance(stop.__cause__ or stop, Terminated)
        code = TERMINATED if terminated else INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        click.echo(f"benchbench: {_refusal(error)}", err=True)
        code = USAGE
    sys.exit(code if isinstance(code, int) else 0)


def _refusal(error: OSError) -> str:
    """Return in one line what the operating system refused."""
    from benchbench.machine import fsio, redact

    where = f"{error.filename} cannot be used: " if error.filename else "The system refused: "
    return redact(
        f"{where}{fsio.reason_of(error)}. Check that disk and your permissions, and run again."
    )


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
