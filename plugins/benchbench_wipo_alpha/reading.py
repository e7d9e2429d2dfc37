"""From files to documents, in as many processes as there are cores; the result is the same."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any, NamedTuple

from benchbench import LoaderError
from benchbench_wipo_alpha.codes import NewerCode, cut
from benchbench_wipo_alpha.faults import BadDocument
from benchbench_wipo_alpha.places import Place, check_folders
from benchbench_wipo_alpha.sources import Member
from benchbench_wipo_alpha.view import Language, View, text_of
from benchbench_wipo_alpha.xml import FILE_BYTES, Document, read_document

CHUNK = 256
"""Files handed to a process at a time."""
ONE_READ = 1 << 18
PARALLEL_FROM = 2_000
"""Files below which starting processes costs more than it saves."""
MOST_PROCESSES = 4
"""Beyond it, the process that writes the corpus is the one that is waited for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is taken from a document: `width` characters of its codes and the texts of a view."""

    width: int
    view: View
    language: Language
    with_secondary: bool
    fallback_encoding: str = ""


class Found(NamedTuple):
    """A document that was read: its codes, cut and each once, the main one first; UTF-8 text."""

    number: str
    application: str
    codes: tuple[str, ...]
    text: bytes
    notes: tuple[str, ...]


Result = tuple[Place, Found | str]
"""A place, and the document that stands there or, "file:line: reason", why it cannot be read."""


def processes_for(asked: int | str) -> int:
    """Return how many processes read: those asked for, or what this machine has for us."""
    if isinstance(asked, int):
        return asked
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def read_all(members: Iterable[Member], reading: Reading, processes: int) -> Iterator[Result]:
    """Yield what became of every file, in the files' order. Raises LoaderError."""
    members = iter(members)
    first = list(islice(members, PARALLEL_FROM))
    chunks = _chunks(chain(first, members))
    if processes == 1 or len(first) < PARALLEL_FROM:
        for chunk in chunks:
            yield from _placed(chunk, read_chunk(reading, chunk))
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=gc.disable)
    waiting: deque[tuple[list[Member], Future[list[tuple[Any, ...] | str]]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(read_chunk, reading, chunk)))
            if len(waiting) > 2 * processes:  # bounds what lies in memory
                yield from _placed(*_next(waiting))
        while waiting:
            yield from _placed(*_next(waiting))
    except BrokenProcessPool:
        raise LoaderError(
            "wipo-alpha: a process that read files died, most likely of lack of memory; "
            "give processes=1"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(members: Iterator[Member]) -> Iterator[list[Member]]:
    while chunk := list(islice(members, CHUNK)):
        yield chunk


def _next(waiting: deque[Any]) -> tuple[list[Member], list[tuple[Any, ...] | str]]:
    chunk, future = waiting.popleft()
    return chunk, future.result()


def _placed(members: list[Member], read: Iterable[tuple[Any, ...] | str]) -> Iterator[Result]:
    for member, found in zip(members, read, strict=True):
        yield member.place, found if isinstance(found, str) else Found(*found)


def read_chunk(reading: Reading, members: list[Member]) -> list[tuple[Any, ...] | str]:
    """Return what became of each file: what a Found is made of, or a fault.

    Plain tuples: others take three times as long on their way between processes. Raises
    LoaderError for codes of a newer edition.
    """
    return [_read(place, content, reading) for place, content in members]


def _read(place: Place, content: bytes | str, reading: Reading) -> tuple[Any, ...] | str:
    try:
        data = _bytes_of(content) if isinstance(content, str) else content
        document = read_document(data, reading.view.elements, reading.fallback_encoding)
        codes = _codes(document, reading)
        check_folders(place, document.main)
        text = text_of(document, reading.view, reading.language)
        if not text:
            parts = ", ".join(name for name, _ in reading.view.parts)
            raise BadDocument(f"no text in {parts}")
    except BadDocument as fault:
        return fault.at(str(place))
    except NewerCode as fault:
        raise LoaderError(
            f"{place}: the code {fault}: an export of a newer edition, whose groups are others; "
            "give the original WIPO-Alpha, and do not mix the two"
        ) from None
    return (
        document.number or str(place),
        document.application,
        codes,
        text.encode(),
        tuple(document.notes),
    )


def _bytes_of(path: str) -> bytes:
    """Return a file's bytes, or one more than is allowed. Raises BadDocument.

    A file object would cost as much as its XML: most files are smaller than one read.
    """
    try:
        file = os.open(path, os.O_RDONLY)
        try:
            data = os.read(file, ONE_READ)
            while len(data) % ONE_READ == 0 and len(data) <= FILE_BYTES:
                if not (more := os.read(file, ONE_READ)):
                    break
                data += more
        finally:
            os.close(file)
    except OSError as error:
        raise BadDocument(f"cannot be read ({error.strerror})") from None
    return data


def _codes(document: Document, reading: Reading) -> tuple[str, ...]:
    """Return the codes at the level asked for, the main one first. Raises BadDocument."""
    if not document.main:
        raise BadDocument("it names no main code (mc of <ipcs>)")
    main = cut(document.main, reading.width)
    others = [cut(code, reading.width) for code in document.secondary]
    return tuple(dict.fromkeys((main, *others))) if reading.with_secondary else (main,)
