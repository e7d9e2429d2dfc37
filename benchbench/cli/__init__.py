"""The command line: one file a subcommand, one short function each."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import click

from benchbench.cli.leaderboard import leaderboard
from benchbench.cli.ls import ls
from benchbench.cli.plan import plan
from benchbench.cli.run import run
from benchbench.errors import BenchbenchError

USAGE, INTERRUPTED, TERMINATED = 2, 130, 143


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="benchbench")
def cli() -> None:
    r"""Find out which way of turning a language model into a text classifier is best on your data.

    \b
    benchbench run --csv claims.csv --text abstract --label class --backbone ./my-llama
    benchbench plan --grid FILE.toml
    """


for command in (run, plan, ls, leaderboard):
    cli.add_command(command)


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
