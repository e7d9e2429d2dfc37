"""The objects of a JSON file: one per line, or all in one array."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NoReturn

from benchbench import LoaderError
from benchbench_csv.cells import Cells, Literal
from benchbench_csv.column_names import cells_of
from benchbench_csv.read_settings import ReadSettings
from benchbench_csv.row_counts import BadRow, RowCounts
from benchbench_csv.table_files import TableFile
from benchbench_csv.text_lines import text_lines

SPACE = " \t\r\n"


def read_json(
    table: TableFile, names: Sequence[str], settings: ReadSettings, counts: RowCounts
) -> Iterator[tuple[int, Cells]]:
    """Yield the objects of a JSON file; numbers stay as they were written.

    A file that begins with an array of objects is read whole, into memory.
    """
    lines = text_lines(table, settings.encoding)
    blank = 0
    first = ""
    for first in lines:
        if not first.isspace():
            break
        blank += 1
    every = chain([first], lines)
    objects = _array(table, every, blank + 1) if _begins_array(first) else _lines(every, blank + 1)
    for line, value in objects:
        counts.seen += 1
        try:
            if isinstance(value, BadRow):
                raise value
            if not isinstance(value, dict):
                raise BadRow("expected a JSON object, found another JSON value")
            yield line, cells_of(names, value)
        except BadRow as fault:
            counts.bad(table, line, str(fault))


def _begins_array(line: str) -> bool:
    """Say whether a file whose first line this is holds one array, not a bad line."""
    start = line.strip()
    return start[:1] == "[" and start[1:].lstrip()[:1] in ("", "{", "]")


def _lines(lines: Iterator[str], number: int) -> Iterator[tuple[int, object]]:
    """Yield (line, value or fault) of every line that is not blank."""
    for line, text in enumerate(lines, start=number):
        if text and not text.isspace():
            try:
                yield line, _decoded(text)
            except BadRow as fault:
                yield line, fault


def _array(table: TableFile, lines: Iterator[str], number: int) -> Iterator[tuple[int, object]]:
    """Yield (line, value) of every item of an array. Raises LoaderError where it is damaged."""
    text = "".join(lines).rstrip()
    position, counted, line = text.index("[") + 1, 0, number
    while True:
        position = _after_space(text, position)
        line, counted = line + text.count("\n", counted, position), position
        if text[position : position + 1] == "]" and position + 1 == len(text):
            return
        try:
            value, position = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise LoaderError(
                f"{table.name}:{line}: the JSON array is damaged here ({error}); correct it"
            ) from None
        yield line, value
        position = _after_space(text, position)
        if text[position : position + 1] == ",":
            position += 1
        elif text[position:] != "]":
            raise LoaderError(
                f"{table.name}:{line}: the JSON array is damaged behind the object that begins "
                "here; a comma or the array's end must follow"
            )


def _after_space(text: str, position: int) -> int:
    """Return the position of the next character that is no space."""
    while text[position : position + 1] and text[position] in SPACE:
        position += 1
    return position


def _decoded(text: str) -> object:
    """Return the JSON value of a line. Raises BadRow."""
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise BadRow("the JSON is nested too deeply; flatten it") from None
    except ValueError as error:
        whole = "; write each object on one line, or all in one array"
        more = whole if text.strip() in "{[" else ""
        raise BadRow(f"not valid JSON ({error}){more}") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    cells = dict(pairs)
    if len(cells) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return cells


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


DECODER = json.JSONDecoder(
    parse_int=Literal,
    parse_float=Literal,
    parse_constant=_refuse_constant,
    object_pairs_hook=_object,
)
