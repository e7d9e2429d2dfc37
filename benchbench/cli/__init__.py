"""The command line: one file a subcommand, one short function each."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType

import click

from benchbench.contract import BenchbenchError

SUMMARIES = {
    "run": "Run a grid, or methods on a table of your own: only what is missing.",
    "plan": "Say what a run would do.",
    "leaderboard": "Print a leaderboard: terminal, markdown, HTML, CSV, JSON or LaTeX.",
    "compare": "Compare two systems, runs or stores: what differs, and is it chance?",
    "verify": "Recompute a published leaderboard from its predictions.",
    "ls": "List plugins, datasets, methods, backbones, parameters, grids or runs.",
}
USAGE, INTERRUPTED, TERMINATED = 2, 130, 143


class Commands(click.Group):
    """The subcommands, each imported when it is called: `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they are needed."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand from the file of its name."""
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries without importing what they are about."""
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
    benchbench run --csv claims.csv --text abstract --label class --backbone ./my-llama
    benchbench plan --grid FILE.toml
    """  # noqa: D301 - click reads the escape


class Terminated(KeyboardInterrupt):
    """SIGTERM: to be handled as Ctrl-C is, but for the exit code."""


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
        click.echo("benchbench: stopped. What was finished is kept; run again to go on.", err=True)
        # click turns every KeyboardInterrupt into an Abort of its own
        terminated = isinstance(stop.__cause__ or stop, Terminated)
        code = TERMINATED if terminated else INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
