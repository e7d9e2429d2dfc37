"""`benchbench doctor`: check the installation, line by line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from benchbench.cli.options import store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.planning import cache_folder
from benchbench.render import plain, terminal_console
from benchbench.upkeep import Health, examine

SOME_FAULT = 1
STYLES = {"ok": "green", "warning": "yellow", "fault": "bold red"}
INDENT = 9


@click.command(
    cls=Subcommand,
    rules=(
        "These are looked at: the versions of Python and of the packages, GPUs and their driver, "
        "4-bit weights, disk, memory, the Hugging Face hub, plugins, and one tiny cell from end "
        "to end, in a folder that is removed afterwards.",
        "A line begins with ok, warning or fault. Below a warning or a fault stands what to do.",
        "All plugins are loaded, and the cell runs code of some of them.",
        "Exit code: 0, or 1 if something is a fault, 2 for wrong usage.",
    ),
    examples=("benchbench doctor", "benchbench doctor --offline --store /data/runs"),
)
@store_option
@click.option("--offline", is_flag=True, help="Never use the network.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of lines.")
def doctor(store: Path, offline: bool, as_json: bool) -> int:
    """Check the installation, and say what to do where something is wrong."""
    console = terminal_console(soft_wrap=True)
    lines: list[Health] = []
    for health in examine(store, cache_folder(), offline=offline):
        lines.append(health)
        if not as_json:
            console.print(f"{health.level:<{INDENT}}", style=STYLES[health.level], end="")
            console.print(plain(f"{health.about}: {health.found}"), markup=False, highlight=False)
            if health.remedy:
                console.print(" " * INDENT + plain(health.remedy), markup=False, highlight=False)
    faults = sum(health.level == "fault" for health in lines)
    if as_json:
        sys.stdout.write(json.dumps([asdict(health) for health in lines], indent=2) + "\n")
    else:
        console.print("No faults." if not faults else f"Faults: {faults}.")
    return SOME_FAULT if faults else 0
