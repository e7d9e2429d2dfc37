"""One XML file of WIPO-Alpha, read with expat and nothing else.

An external DOCTYPE is allowed and never fetched; a document that declares an entity is refused,
so that nothing in it can grow. Where tags do not match, one pass closes what was left open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.entities import html5
from typing import Any
from xml.parsers import expat

from benchbench_wipo_alpha.faults import BadDocument

FILE_BYTES = 50_000_000
TEXT_CHARACTERS = 10_000_000
PARTS = {
    "title": "ti",
    "abstract": "ab",
    "claims": "cl",
    "description": "txt",
    "applicants": "pa",
    "inventors": "in",
}
"""Part of a document -> the element that holds it, once a language or a person."""
LONG_BYTES = 1_000_000
SLOW_PARSER = tuple(map(int, expat.EXPAT_VERSION.removeprefix("expat_").split("."))) < (2, 6, 0)
"""Whether hostile XML takes this expat long (CVE-2023-52425); only files of length show it."""
TEXT_ELEMENTS = frozenset(PARTS.values())
STRUCTURE = TEXT_ELEMENTS | {"record", "ipcs", "ipc", "pas", "ins", "tis", "abs", "cls", "txts"}
"""The elements of the format; others are marks inside a text."""
HEADER = frozenset({"record", "ipcs", "ipc"})
"""Those of them that say what a document is in their attributes."""
TAG = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<![^\[>]*>"
    rb"|<(?P<end>/?)(?P<name>[A-Za-z_][\w.-]*)[^<>]*?(?P<empty>/?)>",
    re.DOTALL,
)
DESCRIPTION = b"<txts>"
NAMES: dict[str, str] = {}
"""Elements and attributes met so far, made into strings once for all documents, not once each."""
MOST_NAMES = 1000
MISMATCHED = 7
"""expat's code for an end tag that is not that of the element it stands in."""


@dataclass(slots=True)
class PatentDocument:
    """What a file says; of each text element, its (language, pieces of text) in their order."""

    number: str = ""
    application: str = ""
    main: str = ""
    secondary: list[str] = field(default_factory=list)
    texts: dict[str, list[tuple[str, list[str]]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Names of what was met and mended, each counted over all documents."""


def read_json(data: bytes, elements: frozenset[str], fallback: str = "") -> PatentDocument:
    """Return the document of a file's bytes with the texts of `elements`.

    `fallback` is the encoding of files that are not what they say they are. Raises BadDocument.
    """
    if len(data) > FILE_BYTES:
        raise BadDocument(f"{len(data)} bytes, more than {FILE_BYTES} allowed in a document")
    try:
        document = _parse(data, elements)
    except expat.ExpatError as error:
        document = _second_try(data, elements, fallback, error)
    if SLOW_PARSER and len(data) > LONG_BYTES:
        document.notes.append("long_for_this_expat")
    return document


def _parse(data: bytes, elements: frozenset[str], encoding: str | None = None) -> PatentDocument:
    """Return the document. Raises ExpatError, BadDocument.

    A text ends where the next element of the format starts: calls at end tags would double the
    time, and between the two there is white space alone.
    """
    if len(NAMES) > MOST_NAMES:
        NAMES.clear()
    parser = expat.ParserCreate(encoding, intern=NAMES)
    parser.buffer_text = True
    document = PatentDocument()
    texts = document.texts
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if tag in elements:
            inside = True
            pieces: list[str] = []
            parser.CharacterDataHandler = pieces.append
            entry = (attributes.get("xml:lang", ""), pieces)
            if tag in texts:
                texts[tag].append(entry)
            else:
                texts[tag] = [entry]
            return
        if inside and tag in STRUCTURE:
            inside = False
            parser.CharacterDataHandler = None
        if tag in HEADER:
            _read_header(document, tag, attributes)

    parser.StartElementHandler = start
    parser.EntityDeclHandler = _refuse_entity
    parser.SkippedEntityHandler = _entity_reader(parser, document)
    before, tag, after = data.partition(DESCRIPTION)
    try:
        parser.Parse(before + tag, False)
        if not inside:
            # From within a callback pyexpat puts a handler that does nothing in the place of none,
            # and expat decodes for it the description, which is most of a document.
            parser.CharacterDataHandler = None
        parser.Parse(after, True)
    except (LookupError, ValueError) as error:  # of the codec that the declaration names
        raise BadDocument(f"its encoding cannot be read ({error})", 1) from None
    finally:  # each holds the parser, which would live on until cycles are searched for
        parser.StartElementHandler = parser.SkippedEntityHandler = None
    if len(data) > TEXT_CHARACTERS:  # no entity is expanded, so text is never longer than its file
        size = sum(len(piece) for part in texts.values() for _, some in part for piece in some)
        if size > TEXT_CHARACTERS:
            raise BadDocument(f"{size} characters of text, more than {TEXT_CHARACTERS} allowed")
    return document


def _read_header(document: PatentDocument, tag: str, attributes: dict[str, str]) -> None:
    """Take over what stands in an attribute."""
    if tag == "ipc":
        document.secondary.append(attributes.get("ic", ""))
    elif tag == "ipcs":
        document.main = document.main or attributes.get("mc", "")
    else:
        document.number = attributes.get("pn", "")
        document.application = attributes.get("an", "")


def _refuse_entity(name: str, *declaration: object) -> None:
    raise BadDocument(f"it declares the entity '{name}'; declared entities are refused")


def _entity_reader(parser: Any, document: PatentDocument) -> Callable[[str, bool], None]:
    """Return what reads a named character that only the DTD, never fetched, would define."""

    def read(name: str, is_parameter_entity: bool) -> None:
        if is_parameter_entity or parser.CharacterDataHandler is None:
            return
        character = html5.get(f"{name};")
        if character is None:
            raise BadDocument(
                f"'&{name};' is defined in a DTD, which is never fetched", parser.CurrentLineNumber
            )
        parser.CharacterDataHandler(character)
        document.notes.append("named_characters")

    return read


def _second_try(
    data: bytes, elements: frozenset[str], fallback: str, error: expat.ExpatError
) -> PatentDocument:
    """Read a file again that is in another encoding, or in which tags were left open."""
    line = error.lineno
    wrong = _wrong_byte(data)
    note, encoding = "repaired", None
    if wrong and not fallback:
        raise BadDocument(f"{wrong}; give its encoding, xml_fallback_encoding=iso-8859-1", line)
    if wrong:
        try:
            data = data.decode(fallback).encode()
        except (UnicodeError, LookupError) as other:
            raise BadDocument(f"it is not in {fallback} either ({other})", line) from None
        note, encoding = "fallback_encoding", "utf-8"
    elif error.code == MISMATCHED:
        data = _close_open_elements(data)
    else:
        raise BadDocument(_reason(data, error), line) from None
    try:
        document = _parse(data, elements, encoding)
    except expat.ExpatError as again:
        raise BadDocument(_reason(data, again), again.lineno) from None
    document.notes.append(note)
    return document


def _wrong_byte(data: bytes) -> str:
    """Name the first byte that is not UTF-8 in a file that is so, by its own word or silence."""
    head = data[:200].split(b"?>")[0].lower()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ""
    if b"encoding" in head and b"utf-8" not in head and head.lstrip().startswith(b"<?xml"):
        return ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"the byte 0x{data[error.start]:02x} is not UTF-8, which the file should be"
    return ""


def _reason(data: bytes, error: expat.ExpatError) -> str:
    if not data.rstrip().endswith(b">") or b"</record" not in data[-200:]:
        return f"it is cut short ({expat.ErrorString(error.code)})"
    return f"no well-formed XML ({expat.ErrorString(error.code)})"


def _close_open_elements(data: bytes) -> bytes:
    """Return the bytes with an end tag for every element that was left open.

    It goes before the end tag of an outer element, or before the next text element.
    """
    pieces, done, opened = [], 0, list[bytes]()
    texts = {element.encode() for element in TEXT_ELEMENTS}
    for tag in TAG.finditer(data):
        name = tag["name"]
        if name is None:
            continue
        missing: list[bytes] = []
        if tag["end"]:
            while opened and name in opened and opened[-1] != name:
                missing.append(opened.pop())
            if opened and opened[-1] == name:
                opened.pop()
        else:
            if name in texts and opened and opened[-1] in texts:
                missing.append(opened.pop())
            if not tag["empty"]:
                opened.append(name)
        if missing:
            pieces += [data[done : tag.start()], *(b"</%s>" % element for element in missing)]
            done = tag.start()
    return b"".join((*pieces, data[done:]))
