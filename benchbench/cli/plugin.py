"""`benchbench plugin`: begin a plugin package, or check installed plugins."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchbench.cli.subcommand import Subcommand
from benchbench.contract import BenchbenchError
from benchbench.render import plain, terminal_console
from benchbench.scaffold import KINDS, check_plugin, write_package

SOME_FAULT = 1
STYLES = {"ok": "green", "skipped": "yellow", "fault": "bold red"}
INDENT = 9


@click.command(
    cls=Subcommand,
    terms={
        "Actions": lambda: (
            ("new", "write the package benchbench-NAME, which passes its own tests"),
            ("check", "check an installed plugin, or all of them, against the contract"),
        )
    },
    rules=(
        "'new' writes pyproject.toml with the entry point, a module that works and is yours to "
        "change, tests and a README. A folder that exists is never touched.",
        "A name has lowercase letters, digits and hyphens.",
        "'check' runs code of the plugin with your rights. It has one line per check: ok, skipped "
        "(with the reason, such as data that are not here) or fault.",
        "CONTRIBUTING.md shows what each kind must have.",
        "Exit code: 0, or 1 if a check failed, 2 for wrong usage.",
    ),
    examples=(
        "benchbench plugin new nearest-centre --kind method",
        "benchbench plugin check nearest-centre",
    ),
)
@click.argument("action", type=click.Choice(["new", "check"]))
@click.argument("name", required=False)
@click.option("--kind", metavar="KIND", help="What the new plugin supplies: "
              f"{', '.join(KINDS)}.")  # fmt: skip
def plugin(action: str, name: str | None, kind: str | None) -> int:
    """Begin a plugin package, or check installed plugins."""
    if action == "check":
        if kind is not None:
            raise BenchbenchError("--kind goes with 'benchbench plugin new'.")
        return _check(name)
    if name is None or kind is None:
        raise BenchbenchError(
            "'benchbench plugin new' needs a name and a kind, as in 'benchbench plugin new "
            f"my-idea --kind method'. Kinds: {', '.join(KINDS)}."
        )
    return _new(name, kind)


def _new(name: str, kind: str) -> int:
    files = write_package(name, kind, Path())
    for path in files:
        sys.stdout.write(f"wrote {path}\n")
    folder = files[0].parent
    sys.stdout.write(
        f"Next: pip install -e '{folder}[test]', python -m pytest {folder}, and "
        f"benchbench plugin check {name}\n"
    )
    return 0


def _check(name: str | None) -> int:
    from benchbench.catalog import load_catalog

    catalog = load_catalog()
    console = terminal_console(soft_wrap=True)
    sys.stderr.write("benchbench: the checks run code of the plugins.\n")
    faults = 0
    for plugin_name in [name] if name else catalog.plugins:
        for check in check_plugin(catalog, plugin_name):
            faults += check.level == "fault"
            reason = f" ({plain(check.reason)})" if check.reason else ""
            console.print(f"{check.level:<{INDENT}}", style=STYLES[check.level], end="")
            line = f"{check.plugin}: {plain(check.about)}{reason}"
            console.print(line, markup=False, highlight=False)
    return SOME_FAULT if faults else 0
