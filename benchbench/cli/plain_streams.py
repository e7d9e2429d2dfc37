"""Standard output and error of a command: whatever is written there is made plain first."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO, Any


class PlainStream:
    """A stream of text for which control and hidden characters are replaced.

    Whoever prints need not think of it: errors, warnings and tracebacks hold names of columns and
    labels. Only the console, which draws in colours, writes to `unfiltered`.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.unfiltered = stream

    def write(self, text: str) -> int:
        """Write a text made plain."""
        if not text.replace("\n", "").isprintable():
            from benchbench.render import plain_lines  # seldom needed, and slow to import

            text = plain_lines(text)
        return self.unfiltered.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts made plain."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)


def make_streams_plain() -> None:
    """Filter what this process prints from now on."""
    sys.stdout = PlainStream(sys.stdout)  # type: ignore[assignment]
    sys.stderr = PlainStream(sys.stderr)  # type: ignore[assignment]
