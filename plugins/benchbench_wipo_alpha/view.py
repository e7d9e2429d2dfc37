"""A view: which parts of a document a classifier sees, and in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchbench import LoaderError
from benchbench_wipo_alpha.faults import BadDocument
from benchbench_wipo_alpha.xml import PARTS, PatentDocument

CLASSIC = ("title", "inventors", "applicants", "abstract", "description")
"""The parts of a document; Fall et al. (2003) used their first 300 words."""
WHITE = " \t\r\n"
CONTROLS = re.compile(r"[\x80-\x9f]")
UNUSED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
"""Bytes without a character in Windows-1252."""
WINDOWS = {
    number: bytes([number]).decode("cp1252") for number in range(0x80, 0xA0) if number not in UNUSED
}
"""Control character -> the Windows-1252 character that a file in ISO-8859-1 meant.

No patent holds a control character on purpose.
"""


@dataclass(frozen=True, slots=True)
class View:
    """The parts, each with its limit of words, and the limit for all together; 0 is no limit."""

    parts: tuple[tuple[str, int], ...]
    words: int = 0

    @classmethod
    def parse(cls, text: str) -> View:
        """Return the view of a text such as `title,abstract:150` or `classic-300`.

        Raises LoaderError.
        """
        if classic := re.fullmatch(r"classic-([1-9]\d{0,5})", text.strip(), re.ASCII):
            return cls(tuple((part, 0) for part in CLASSIC), int(classic[1]))
        parts = [_part(text, piece.strip()) for piece in text.split(",")]
        names = [name for name, _ in parts]
        if len(set(names)) < len(names):
            raise LoaderError(f"view '{text}': a part occurs twice; name each part once")
        return cls(tuple(parts))

    @property
    def elements(self) -> frozenset[str]:
        """The XML elements that the view needs."""
        return frozenset(PARTS[name] for name, _ in self.parts)


def _part(view: str, text: str) -> tuple[str, int]:
    match = re.fullmatch(r"([a-z]+)(?::([1-9]\d{0,6}))?", text, re.ASCII)
    if not match or match[1] not in PARTS:
        raise LoaderError(
            f"view '{view}': unknown part '{text}'; give any of {', '.join(PARTS)}, each with an "
            "optional number of words as in abstract:150, or classic-300 alone"
        )
    return match[1], int(match[2] or 0)


@dataclass(frozen=True, slots=True)
class Language:
    """The language of texts; with `fallback`, another language where a part lacks this one."""

    code: str
    fallback: bool


def text_of(document: PatentDocument, view: View, language: Language) -> str:
    """Return the view's parts, one per line; add missing parts to the document's notes."""
    shown = []
    for name, words in view.parts:
        text = _in_language(document, PARTS[name], language)
        if not text:
            document.notes.append(f"without_{name}")
            continue
        if words:
            text = " ".join(text.split(None, words)[:words])
        elif "\n" in text or "  " in text or "\t" in text:
            text = _single_spaced(text)
        shown.append(text)
    if view.words:
        return _first_words(shown, view.words)
    return "\n".join(shown)


def _single_spaced(text: str) -> str:
    """Return the text with every run of white space replaced by one space.

    Most texts only need a space for each line end, which takes a third of the time.
    """
    if text.isascii() and "\t" not in text and "\r" not in text:
        line = text.replace("\n", " ")
        if "  " not in line:
            return line
    return " ".join(text.split())


def _first_words(texts: list[str], words: int) -> str:
    """Return the first `words` words of all texts together, one text per line."""
    shown = []
    for text in texts:
        if words <= 0:
            break
        first = text.split(None, words)[:words]
        words -= len(first)
        shown.append(" ".join(first))
    return "\n".join(shown)


def _in_language(document: PatentDocument, element: str, language: Language) -> str:
    """Return the text of an element; a text without a language counts for every language."""
    entries = document.texts.get(element, ())
    texts = [
        pieces
        for code, pieces in entries
        if code in ("", language.code) or code.upper() == language.code
    ]
    text = _joined(document, texts) if texts else ""
    if text or not language.fallback:
        return text
    for other in dict.fromkeys(code for code, _ in entries):
        if text := _joined(document, [pieces for code, pieces in entries if code == other]):
            document.notes.append("other_language")
            break
    return text


def _joined(document: PatentDocument, texts: list[list[str]]) -> str:
    """Return the texts, one per line; C1 controls become the Windows-1252 characters they meant.

    Raises BadDocument for a control without such a character.
    """
    if len(texts) == 1:
        text = "".join(texts[0]).strip(WHITE)
    else:
        text = "\n".join(["".join(pieces).strip(WHITE) for pieces in texts]).strip(WHITE)
    if not text.isascii() and CONTROLS.search(text):
        text = text.translate(WINDOWS)
        if control := CONTROLS.search(text):
            raise BadDocument(f"the control character {control[0]!r} is not text")
        document.notes.append("windows_characters")
    return text
