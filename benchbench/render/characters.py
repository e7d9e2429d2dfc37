"""Characters that a reader would not see, or that would turn a line of text round."""

from __future__ import annotations

import unicodedata

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Unicode categories of what breaks a line, changes its direction, or has no shape."""


def visible(text: str) -> str:
    r"""Return `text` with every hidden character as its number, as in `\u202e`."""
    return "".join(f"\\u{ord(each):04x}" if hidden(each) else each for each in text)


def hidden(character: str) -> bool:
    """Say whether a character would break a line, turn the text round or not be seen."""
    return unicodedata.category(character) in HIDDEN
