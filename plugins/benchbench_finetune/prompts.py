"""Every text of ours that a model sees. A change to any of them changes scores."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Literal

FormatName = Literal["one-label", "yes-no", "list"]
"""How labels are answered; `benchbench_finetune.answer_formats` has a class for each."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with these placeholders, all of them once and in this order."""

    text: str
    placeholders: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError where a placeholder is missing, extra or out of order."""
        names = tuple(field for _, field, _, _ in string.Formatter().parse(self.text) if field)
        if names != self.placeholders:
            raise ValueError(f"a template has {list(names)} and needs {list(self.placeholders)}")

    def fill(self, *values: str) -> str:
        """Return the text with a value for every placeholder, in their order."""
        return self.text.format(**dict(zip(self.placeholders, values, strict=True)))


TEMPLATES: dict[FormatName, Template] = {
    "one-label": Template(
        "Read the text and name the one category that it belongs to."
        "{categories}\n\nText:\n{document}\n\nCategory:",
        ("categories", "document"),
    ),
    "list": Template(
        "Read the text and list every category that it belongs to, separated by semicolons."
        "{categories}\n\nText:\n{document}\n\nCategories:",
        ("categories", "document"),
    ),
    "yes-no": Template(
        "Read the text and say whether a category applies to it."
        "{categories}\n\nText:\n{document}\n\nYes or no, does this category apply?{label}\nAnswer:",
        ("categories", "document", "label"),
    ),
}
CATEGORIES = Template("\n\nCategories:\n{names}", ("names",))
CODED = Template("{code} = {name}", ("code", "name"))
"""A line of the label list where labels are written as codes."""
YES_NO = ("yes", "no")
SEPARATORS = (";", "|", "\n")
"""What may stand between the labels of a list; the first that no label contains is taken."""
SLOTS = {"categories": "\ue000", "document": "\ue001", "label": "\ue002", "answer": "\ue003"}
"""Characters of the private-use area that hold the place of data in a chat template."""
DATE = "26 Jul 2024"
"""Today, for chat templates that write the date: a prompt must not change from day to day."""
FIXED_CLOCK = (
    "{% macro strftime_now(format) %}{{ format"
    ".replace('%d', '26').replace('%b', 'Jul').replace('%B', 'July').replace('%m', '07')"
    ".replace('%Y', '2024') }}{% endmacro %}{{ '' }}"
)
"""Stands before a template that reads the clock; its last part keeps a newline that follows."""
