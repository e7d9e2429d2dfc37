"""What can be wrong with one document."""

from __future__ import annotations


class BadDocument(Exception):
    """A document that cannot be loaded; says why. `line` is 0 where the whole file is meant."""

    def __init__(self, reason: str, line: int = 0) -> None:
        """Keep the reason and the line."""
        super().__init__(reason)
        self.line = line

    def at(self, place: str) -> str:
        """Return "file:line: reason"."""
        line = f":{self.line}" if self.line else ""
        return f"{place}{line}: {self}"
