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

from benchbench import LoaderError
from benchbench_wipo_alpha.codes import NewerCode, cut
from benchbench_wipo_alpha.faults import BadDocument
from benchbench_wipo_alpha.places import Place, check_folders
from benchbench_wipo_alpha.sources import Member
from benchbench_wipo_alpha.view import Language, View, text_of
from benchbench_wipo_alpha.xml import FILE_BYTES, PatentDocument, read_json

CHUNK = 512
"""Files handed to a process at a time: fewer, and it waits for the next ones too often."""
CHUNK_BYTES = 8_000_000
ONE_READ = 1 << 16
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


Found = tuple[str, str, tuple[str, ...], bytes, tuple[str, ...]]
"""What was read: number, application, codes, UTF-8 text, notes.

The codes are cut and stand there once each, the main one first. A plain tuple: other objects take
three times as long on their way between processes.
"""
Read = tuple[list[Place], list[Found | str]]
"""The places of some files, and what became of each: "file:line: reason" if it cannot be read."""


def processes_for(asked: int | str) -> int:
    """Return how many processes read: those asked for, or what this machine has for us."""
    if isinstance(asked, int):
        return asked
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def read_all(
    members: Iterable[Member], reading: Reading, processes: int
) -> Iterator[tuple[Place, Found | str]]:
    """Yield every file's place and what became of it, in the files' order. Raises LoaderError."""
    members = iter(members)
    first = list(islice(members, PARALLEL_FROM))
    alone = processes == 1 or len(first) < PARALLEL_FROM
    chunks = _chunks(chain(first, members))
    read = _read_here(chunks, reading) if alone else _read_apart(chunks, reading, processes)
    for places, found in read:
        yield from zip(places, found, strict=True)


def _chunks(members: Iterator[Member]) -> Iterator[list[Member]]:
    """Yield files in lists that are bounded in number and, out of archives, in bytes."""
    chunk: list[Member] = []
    size = 0
    for member in members:
        chunk.append(member)
        size += len(member[1])
        if len(chunk) == CHUNK or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _read_here(chunks: Iterator[list[Member]], reading: Reading) -> Iterator[Read]:
    for chunk in chunks:
        yield _places(chunk), read_chunk(reading, chunk)


def _read_apart(chunks: Iterator[list[Member]], reading: Reading, processes: int) -> Iterator[Read]:
    """Read in other processes, while this one takes in what they found."""
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=gc.disable)
    waiting: deque[tuple[list[Place], Future[list[Found | str]]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((_places(chunk), pool.submit(read_chunk, reading, chunk)))
            if len(waiting) > 3 * processes:  # bounds what lies in memory
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool:
        raise LoaderError(
            "wipo-alpha: a process that read files died, most likely of lack of memory; "
            "give processes=1"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _places(chunk: list[Member]) -> list[Place]:
    return [place for place, _ in chunk]


def _next(waiting: deque[tuple[list[Place], Future[list[Found | str]]]]) -> Read:
    places, future = waiting.popleft()
    return places, future.result()


def read_chunk(reading: Reading, members: list[Member]) -> list[Found | str]:
    """Return what became of each file. Raises NewerCode for codes of a newer edition."""
    return [_read(place, content, reading) for place, content in members]


def _read(place: Place, content: bytes | str, reading: Reading) -> Found | str:
    try:
        data = _bytes_of(content) if isinstance(content, str) else content
        document = read_json(data, reading.view.elements, reading.fallback_encoding)
        codes = _codes(document, reading)
        check_folders(place, document.main)
        text = text_of(document, reading.view, reading.language)
        if not text:
            parts = ", ".join(name for name, _ in reading.view.parts)
            raise BadDocument(f"no text in {parts}")
    except BadDocument as fault:
        return fault.at(place)
    except NewerCode as fault:
        raise NewerCode(
            f"{place}: the code {fault}: an export of a newer edition, whose groups are others; "
            "give the original WIPO-Alpha, and do not mix the two"
        ) from None
    number = document.number or place
    return number, document.application, codes, text.encode(), tuple(document.notes)


def _bytes_of(path: str) -> bytes:
    """Return a file's bytes, or one more than is allowed. Raises BadDocument.

    A file object would cost as much as its XML: most files are smaller than one read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe is empty, and not waited for
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


def _codes(document: PatentDocument, reading: Reading) -> tuple[str, ...]:
    """Return the codes at the level asked for, the main one first. Raises BadDocument."""
    if not document.main:
        raise BadDocument("it names no main code (mc of <ipcs>)")
    main = cut(document.main, reading.width)
    others = [cut(code, reading.width) for code in document.secondary]
    if not (others and reading.with_secondary):
        return (main,)
    return tuple(dict.fromkeys((main, *others)))
