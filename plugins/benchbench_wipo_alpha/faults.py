"""A fault of one document."""

from __future__ import annotations


class BadDocument(Exception):
    """A document that cannot be loaded, with the reason. `line` is 0 for the file as a whole."""

    def __init__(self, reason: str, line: int = 0) -> None:
        """Keep the reason and the line."""
        super().__init__(reason)
        self.line = line

    def at(self, place: str) -> str:
        """Return "file:line: reason"."""
        line = f":{self.line}" if self.line else ""
        return f"{place}{line}: {self}"
