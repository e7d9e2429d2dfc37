"""The one console for terminals. Names, labels and messages are data: they never drive it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from benchbench.render.characters import plain_lines


class PlainConsole(Console):
    """A console that prints control and hidden characters of any text as replacements.

    Colours, bars and the cursor's moves are rich's own and stay.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable, their texts made plain."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(plain_lines(segment.text), segment.style)

    @property
    def file(self) -> IO[str]:
        """The stream that it writes to: past the filter of a command's streams."""
        stream: IO[str] = Console.file.fget(self)  # type: ignore[attr-defined]
        unfiltered: IO[str] = getattr(stream, "unfiltered", stream)
        return unfiltered

    @file.setter
    def file(self, new: IO[str]) -> None:
        Console.file.fset(self, new)  # type: ignore[attr-defined]


def terminal_console(**options: Any) -> Console:
    """Return the console of a command, with rich's options; no text in it is taken for markup."""
    return PlainConsole(**{"markup": False, "highlight": False, **options})
