"""A path of the user's disk that may be published: it is told by the name of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

NO_NAMES = ("", ".", "..", "~")
"""The last parts of paths that name no file: such a path is told as it is written."""

ROOTS = ("/", "~", "./", "../")
"""How a text begins that is a path even where nothing is there yet."""


class LocalPath(str):
    """A text that says which file is meant, without the folders that lead to it.

    The text is the file's own name, and it is all that a cell, its id and its record hold. `given`
    is the path as the user wrote it, which plugins get. `target` is where it leads, links
    followed: two paths are equal where both text and target are.
    """

    given: str
    target: str

    def __new__(cls, text: str, given: str, target: str) -> LocalPath:
        """Return the path `text` that was written as `given` and leads to `target`."""
        path = super().__new__(cls, text)
        path.given, path.target = given, target
        return path

    def __getnewargs__(self) -> Any:
        """Return what `__new__` needs when the path is copied or unpickled."""
        return str(self), self.given, self.target

    def __eq__(self, other: object) -> bool:
        """Compare with a text by the text; with another path also by where both lead."""
        if isinstance(other, LocalPath):
            return (str(self), self.target) == (str(other), other.target)
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        """Say whether the two are not equal; `str` has a comparison of its own."""
        return not self == other

    __hash__ = str.__hash__

    @property
    def spellings(self) -> tuple[tuple[str, str], ...]:
        """How messages may write this path and its folder, each with what may be published."""
        name = PurePath(self).name
        folders = {str(PurePath(path).parent) for path in (self.target, self.given)}
        beside = tuple((f"{folder}/", "") for folder in sorted(folders) if "/" in folder[1:])
        return (self.target, name), (self.given, name), *beside

    @classmethod
    def of(cls, given: str, prefix: str = "") -> str:
        """Return the path that `given` is, or `given` itself where it is any other text.

        A path leads to a file or folder, or is written from the root, the home or a dot on.
        `prefix` stands before the name, where a mere name would mean something else.
        """
        if isinstance(given, cls) or PurePath(given).name in NO_NAMES:
            return given
        try:
            path = Path(given).expanduser()
            target = path.resolve()
            if not path.exists() and not given.startswith(ROOTS):
                return given
        except (OSError, ValueError, RuntimeError):  # it leads nowhere
            return cls(PurePath(given).name, given, given) if given.startswith(ROOTS) else given
        # A link is followed, unless its name tells another format than the file that it leads to.
        same_format = target.is_dir() or target.suffix == path.suffix
        name = (target if same_format else path).name
        if target == Path.home():
            name = "~"  # its name would be the user's
        return cls(prefix + name, given, str(target))


def as_given(value: Any) -> Any:
    """Return a path as the user wrote it, and any other value as it is."""
    return value.given if isinstance(value, LocalPath) else value


def all_as_given(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as a plugin gets them: paths are as the user wrote them."""
    return {name: as_given(value) for name, value in params.items()}


def all_as_published(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as a cell and its record hold them: a path is the name of its file."""
    return {
        name: LocalPath.of(value) if isinstance(value, str) else value
        for name, value in params.items()
    }


def paths_in(values: Any) -> Iterator[LocalPath]:
    """Yield every path in the values of nested mappings."""
    if isinstance(values, LocalPath):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from paths_in(value)
