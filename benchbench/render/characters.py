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


def hidden(character: str) -> bool:
    """Say whether a character breaks a line, turns the text round or cannot be seen."""
    return unicodedata.category(character) in HIDDEN
