"""Characters that a reader would not see, or that would drive the program showing the text."""

from __future__ import annotations

import unicodedata

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Unicode categories of characters that break a line, change its direction or have no shape."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def visible(text: str) -> str:
    r"""Return `text` with every hidden character written as its number, as in `\u202e`."""
    return "".join(
        f"\\u{ord(character):04x}" if hidden(character) else character for character in text
    )


def plain(text: str) -> str:
    """Return `text` with a replacement character for every hidden one: safe on a terminal."""
    return "".join(REPLACEMENT if hidden(character) else character for character in text)


def plain_lines(text: str) -> str:
    r"""Return `text` made plain, with its line ends (`\n`, `\r\n`) and tabs kept.

    >>> plain_lines("a\tb\x1b[2J\r\nc")
    'a\tb\ufffd[2J\r\nc'
    """
    return "".join(map(_plain_line, text.splitlines(keepends=True)))


def _plain_line(line: str) -> str:
    end = next((end for end in ("\r\n", "\n") if line.endswith(end)), "")
    return "\t".join(map(plain, line.removesuffix(end).split("\t"))) + end


def hidden(character: str) -> bool:
    """Say whether a character breaks a line, turns the text round or cannot be seen."""
    return unicodedata.category(character) in HIDDEN
