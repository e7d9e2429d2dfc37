"""Which texts of a document are shown to a classifier: a choice of its parts, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchbench import LoaderError
from benchbench_wipo_alpha.faults import BadDocument
from benchbench_wipo_alpha.xml import PARTS, PatentDocument

CLASSIC = ("title", "inventors", "applicants", "abstract", "description")
"""The parts of which Fall et al. (2003) took the first 300 words."""
WHITE = " \t\r\n"
CONTROLS = re.compile(r"[\x80-\x9f]")
UNUSED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
"""Numbers that stand for nothing in Windows-1252 either."""
WINDOWS = {
    number: bytes([number]).decode("cp1252") for number in range(0x80, 0xA0) if number not in UNUSED
}
"""What a file in ISO-8859-1 meant where it holds a control character, which no patent does."""


@dataclass(frozen=True, slots=True)
class View:
    """Parts with the most words of each, and the most words of all; 0 is no limit."""

    parts: tuple[tuple[str, int], ...]
    words: int = 0

    @classmethod
    def of(cls, text: str) -> View:
        """Read `title,abstract:150` or `classic-300`. Raises LoaderError."""
        if classic := re.fullmatch(r"classic-([1-9]\d{0,5})", text.strip(), re.ASCII):
            return cls(tuple((part, 0) for part in CLASSIC), int(classic[1]))
        parts = [_part(text, piece.strip()) for piece in text.split(",")]
        names = [name for name, _ in parts]
        if len(set(names)) < len(names):
            raise LoaderError(f"view '{text}': a part stands in it twice; name each once")
        return cls(tuple(parts))

    @property
    def elements(self) -> frozenset[str]:
        """The XML elements that the view needs."""
        return frozenset(PARTS[name] for name, _ in self.parts)


def _part(view: str, text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([a-z]+)(?::([1-9]\d{0,6}))?", text, re.ASCII)
    if not found or found[1] not in PARTS:
        raise LoaderError(
            f"view '{view}': '{text}' is none of {', '.join(PARTS)}, each with a number of words "
            "as in abstract:150, and not classic-300"
        )
    return found[1], int(found[2] or 0)


@dataclass(frozen=True, slots=True)
class Language:
    """The language of texts; with `fallback`, another where a part has none in this one."""

    code: str
    fallback: bool


def text_of(document: PatentDocument, view: View, language: Language) -> str:
    """Return the view's parts, one below the other; note in the document what is missing."""
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
    """Return the text with runs of white space as one space.

    Most texts need no more than a space for the end of each line, in a third of the time.
    """
    if text.isascii() and "\t" not in text and "\r" not in text:
        line = text.replace("\n", " ")
        if "  " not in line:
            return line
    return " ".join(text.split())


def _first_words(texts: list[str], words: int) -> str:
    """Return the first words of all texts together, one text below the other."""
    shown = []
    for text in texts:
        if words <= 0:
            break
        chosen = text.split(None, words)[:words]
        words -= len(chosen)
        shown.append(" ".join(chosen))
    return "\n".join(shown)


def _in_language(document: PatentDocument, element: str, language: Language) -> str:
    """Return the text of an element; texts that name no language are in all of them."""
    entries = document.texts.get(element, ())
    wanted = language.code
    mine = [pieces for code, pieces in entries if code in ("", wanted) or code.upper() == wanted]
    text = _joined(document, mine) if mine else ""
    if text or not language.fallback:
        return text
    for other in dict.fromkeys(code for code, _ in entries):
        if text := _joined(document, [pieces for code, pieces in entries if code == other]):
            document.notes.append("other_language")
            break
    return text


def _joined(document: PatentDocument, texts: list[list[str]]) -> str:
    """Return the texts one below the other; C1 controls become the Windows characters meant.

    Raises BadDocument for those that mean none.
    """
    if len(texts) == 1:
        text = "".join(texts[0]).strip(WHITE)
    else:
        text = "\n".join(["".join(pieces).strip(WHITE) for pieces in texts]).strip(WHITE)
    if not text.isascii() and CONTROLS.search(text):
        text = text.translate(WINDOWS)
        if left := CONTROLS.search(text):
            raise BadDocument(f"the control character {left[0]!r} is no text; mend the file")
        document.notes.append("windows_characters")
    return text
