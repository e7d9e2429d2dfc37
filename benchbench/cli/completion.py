"""`benchbench completion`: the script with which a shell completes commands and names."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from benchbench.cli.subcommand import Subcommand

PROGRAM, VARIABLE = "benchbench", "_BENCHBENCH_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=Subcommand,
    rules=(
        "Commands, options, grids, datasets, methods, backbones, boards and systems are completed. "
        "Boards and systems are those of --store, if it stands before, else of benchbench-runs.",
        'For bash, put this line into ~/.bashrc: eval "$(benchbench completion bash)". For zsh, '
        "put the same with zsh into ~/.zshrc. For fish, write the output to "
        "~/.config/fish/completions/benchbench.fish.",
        "Completing the name of a dataset, method, backbone or grid loads the installed plugins.",
    ),
    examples=("benchbench completion bash", "benchbench completion fish"),
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the script with which a shell completes commands and names."""
    found = get_completion_class(shell)
    assert found is not None, "click has these three shells"
    root = click.get_current_context().find_root().command
    sys.stdout.write(found(root, {}, PROGRAM, VARIABLE).source() + "\n")
    return 0
