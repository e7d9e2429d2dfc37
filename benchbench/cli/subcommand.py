"""A subcommand's help: what it does, its terms, rules and examples, and its options by section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

Definitions = Iterable[tuple[str, str]]
OPTIONS = "Options"


class Option(click.Option):
    """An option that stands under a title of its own in the help of its command."""

    def __init__(self, *args: Any, section: str = OPTIONS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return the default and other details; a range of numbers is left to error messages."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class Subcommand(click.Command):
    """A command whose help explains it.

    `terms` maps a title to a function that returns (term, meaning) pairs; it is called when the
    help is asked for, so that it may read what is installed.
    """

    def __init__(
        self,
        *args: Any,
        rules: Sequence[str] = (),
        examples: Sequence[str] = (),
        terms: Mapping[str, Callable[[], Definitions]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rules, self.examples, self.terms = rules, examples, terms or {}

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summary, then terms, rules and examples."""
        super().format_help_text(ctx, formatter)
        for title, definitions in self.terms.items():
            with formatter.section(title):
                formatter.write_dl(list(definitions()))
        if self.rules:
            with formatter.section("Rules"):
                formatter.write_dl([("-", rule) for rule in self.rules], col_spacing=1)
        if self.examples:
            with formatter.section("Examples"):
                for line in "\n".join(self.examples).splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each under the title of its section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if not isinstance(parameter, click.Option):
                continue  # an argument: the usage line and the rules say what it is
            if record := parameter.get_help_record(ctx):
                sections.setdefault(getattr(parameter, "section", OPTIONS), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
