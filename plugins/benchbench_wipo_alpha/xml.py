"""One XML file of WIPO-Alpha, read with expat alone.

An external DOCTYPE is allowed and never fetched. A document that declares an entity is refused, so
that no text can expand. Where tags do not match, one pass closes the elements left open.
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
"""Part of a document -> the element that holds it, one per language or person."""
LONG_BYTES = 1_000_000
SLOW_PARSER = tuple(map(int, expat.EXPAT_VERSION.removeprefix("expat_").split("."))) < (2, 6, 0)
"""Whether hostile XML can slow down this expat (CVE-2023-52425), which takes a long file."""
TEXT_ELEMENTS = frozenset(PARTS.values())
STRUCTURE = TEXT_ELEMENTS | {"record", "ipcs", "ipc", "pas", "ins", "tis", "abs", "cls", "txts"}
"""The elements of the format; all others are marks inside a text."""
HEADER = frozenset({"record", "ipcs", "ipc"})
"""The elements whose attributes describe the document."""
TAG = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<![^\[>]*>"
    rb"|<(?P<end>/?)(?P<name>[A-Za-z_][\w.-]*)[^<>]*?(?P<empty>/?)>",
    re.DOTALL,
)
DESCRIPTION = b"<txts>"
NAMES: dict[str, str] = {}
"""Names of elements and attributes, so that all documents share one string for each."""
MOST_NAMES = 1000
MISMATCHED = 7
"""expat's code for an end tag that does not match the open element."""


@dataclass(slots=True)
class PatentDocument:
    """The contents of a file; `texts` holds (language, pieces of text) per element, in order."""

    number: str = ""
    application: str = ""
    main: str = ""
    secondary: list[str] = field(default_factory=list)
    texts: dict[str, list[tuple[str, list[str]]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Names of what was repaired or is missing; they are counted over all documents."""


def parse_document(data: bytes, elements: frozenset[str], fallback: str = "") -> PatentDocument:
    """Return the document of a file's bytes, with the texts of `elements`.

    `fallback` is the encoding to try where a file is not in its own. Raises BadDocument.
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
    """Return the document. Raises ExpatError, BadDocument."""
    if len(NAMES) > MOST_NAMES:
        NAMES.clear()
    parser = expat.ParserCreate(encoding, intern=NAMES)
    parser.buffer_text = True
    document = PatentDocument()
    parser.StartElementHandler = _start_handler(parser, document, elements)
    parser.EntityDeclHandler = _refuse_entity
    parser.SkippedEntityHandler = _entity_reader(parser, document)
    try:
        _feed(parser, data)
    except (LookupError, ValueError) as error:  # of the codec that the declaration names
        raise BadDocument(f"its encoding cannot be read ({error})", 1) from None
    finally:  # the handlers refer to the parser, a cycle that only garbage collection would end
        parser.StartElementHandler = parser.SkippedEntityHandler = None
    if len(data) > TEXT_CHARACTERS:  # no entity is expanded, so the text is no longer than its file
        _check_length(document)
    return document


def _start_handler(
    parser: Any, document: PatentDocument, elements: frozenset[str]
) -> Callable[[str, dict[str, str]], None]:
    """Return the handler of start tags, which collects the texts of `elements`.

    A text ends where the next element of the format starts. A handler of end tags would double
    the time, and there is only white space between the end of a text and the next element.
    """
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

    return start


def _feed(parser: Any, data: bytes) -> None:
    """Parse the bytes, without decoding a description that no handler wants.

    When a callback removes the text handler, pyexpat installs one that does nothing, and expat
    still decodes the text for it. So parsing stops before the description, which is most of a
    document, and the handler is removed there, outside of any callback.
    """
    before, tag, after = data.partition(DESCRIPTION)
    parser.Parse(before + tag, False)
    if parser.CharacterDataHandler is None:
        parser.CharacterDataHandler = None
    parser.Parse(after, True)


def _check_length(document: PatentDocument) -> None:
    """Raise BadDocument for a document with too much text."""
    entries = [entry for entries in document.texts.values() for entry in entries]
    size = sum(len(piece) for _, pieces in entries for piece in pieces)
    if size > TEXT_CHARACTERS:
        raise BadDocument(f"{size} characters of text, more than {TEXT_CHARACTERS} allowed")


def _read_header(document: PatentDocument, tag: str, attributes: dict[str, str]) -> None:
    """Copy the attributes of a header element into the document."""
    if tag == "ipc":
        document.secondary.append(attributes.get("ic", ""))
    elif tag == "ipcs":
        document.main = document.main or attributes.get("mc", "")
    else:
        document.number = attributes.get("pn", "")
        document.application = attributes.get("an", "")


def _refuse_entity(name: str, *declaration: object) -> None:
    raise BadDocument(f"it declares the entity '{name}', which is not allowed")


def _entity_reader(parser: Any, document: PatentDocument) -> Callable[[str, bool], None]:
    """Return the handler of a named character, which only the DTD would define."""

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
    """Parse a file in another encoding, or with its open elements closed."""
    line = error.lineno
    wrong = _wrong_byte(data)
    note, encoding = "repaired", None
    if wrong and not fallback:
        raise BadDocument(f"{wrong}; set its encoding, e.g. xml_fallback_encoding=iso-8859-1", line)
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
    """Return the message about the first byte that is not UTF-8, where the file should be UTF-8."""
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
    return f"not well-formed XML ({expat.ErrorString(error.code)})"


def _close_open_elements(data: bytes) -> bytes:
    """Return the bytes with an end tag for every element that was left open.

    The end tag goes before that of an outer element, or before the next text element.
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
