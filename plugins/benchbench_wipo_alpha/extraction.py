"""From files to documents, in several processes; the number of processes changes no result."""

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
from benchbench_wipo_alpha.codes import WIDTHS, NewerCode, cut
from benchbench_wipo_alpha.collection_files import CollectionFile
from benchbench_wipo_alpha.faults import BadDocument
from benchbench_wipo_alpha.places import Place, check_folders
from benchbench_wipo_alpha.view import Language, View, text_of
from benchbench_wipo_alpha.wipo_options import WipoAlphaOptions
from benchbench_wipo_alpha.xml import FILE_BYTES, PatentDocument, parse_document

CHUNK = 512
"""Files handed to a process at a time. With fewer, processes wait for files too often."""
CHUNK_BYTES = 8_000_000
ONE_READ = 1 << 16
PARALLEL_FROM = 2_000
"""With fewer files, starting processes costs more time than it saves."""
MOST_PROCESSES = 4
"""With more processes, the one that writes the corpus is the slowest."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What to take from a document: `width` characters of its codes, and the texts of a view."""

    width: int
    view: View
    language: Language
    with_secondary: bool
    fallback_encoding: str = ""

    @classmethod
    def from_options(cls, options: WipoAlphaOptions) -> Extraction:
        """Return the extraction that the dataset's options ask for. Raises LoaderError."""
        return cls(
            WIDTHS[options.level],
            View.parse(options.view),
            Language(options.language.upper(), options.language_fallback == "any"),
            not options.single_label,
            options.xml_fallback_encoding,
        )


Extracted = tuple[str, str, tuple[str, ...], bytes, tuple[str, ...]]
"""What a document gives: number, application, codes, UTF-8 text, notes.

The codes are cut to the level, each once, the main code first. It is a plain tuple because other
objects take three times as long on their way between processes.
"""
ChunkResult = tuple[list[Place], list[Extracted | str]]
"""The places of some files, and the result for each: "file:line: reason" for a bad document."""


def processes_for(processes: int | str) -> int:
    """Return the number of processes; "auto" is the number of cores, at most MOST_PROCESSES."""
    if isinstance(processes, int):
        return processes
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def extract_all(
    files: Iterable[CollectionFile], extraction: Extraction, processes: int
) -> Iterator[tuple[Place, Extracted | str]]:
    """Yield the place and the result of every file, in the files' order. Raises LoaderError."""
    files = iter(files)
    first = list(islice(files, PARALLEL_FROM))
    alone = processes == 1 or len(first) < PARALLEL_FROM
    chunks = _chunks(chain(first, files))
    if alone:
        results = _in_this_process(chunks, extraction)
    else:
        results = _in_processes(chunks, extraction, processes)
    for places, extracted in results:
        yield from zip(places, extracted, strict=True)


def _chunks(files: Iterator[CollectionFile]) -> Iterator[list[CollectionFile]]:
    """Yield lists of files, bounded in number and, for archives, in bytes."""
    chunk: list[CollectionFile] = []
    size = 0
    for file in files:
        chunk.append(file)
        size += len(file[1])
        if len(chunk) == CHUNK or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _in_this_process(
    chunks: Iterator[list[CollectionFile]], extraction: Extraction
) -> Iterator[ChunkResult]:
    for chunk in chunks:
        yield _places(chunk), extract_chunk(extraction, chunk)


def _in_processes(
    chunks: Iterator[list[CollectionFile]], extraction: Extraction, processes: int
) -> Iterator[ChunkResult]:
    """Extract in other processes, while this one uses their results."""
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=gc.disable)
    waiting: deque[tuple[list[Place], Future[list[Extracted | str]]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((_places(chunk), pool.submit(extract_chunk, extraction, chunk)))
            if len(waiting) > 3 * processes:  # bounds memory
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool:
        raise LoaderError(
            "wipo-alpha: a process that read files died, probably for lack of memory; "
            "set processes=1"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _places(chunk: list[CollectionFile]) -> list[Place]:
    return [place for place, _ in chunk]


def _next(waiting: deque[tuple[list[Place], Future[list[Extracted | str]]]]) -> ChunkResult:
    places, future = waiting.popleft()
    return places, future.result()


def extract_chunk(extraction: Extraction, files: list[CollectionFile]) -> list[Extracted | str]:
    """Return the result of each file. Raises NewerCode for codes of a newer edition."""
    return [_extract(place, content, extraction) for place, content in files]


def _extract(place: Place, content: bytes | str, extraction: Extraction) -> Extracted | str:
    try:
        data = _bytes_of(content) if isinstance(content, str) else content
        document = parse_document(data, extraction.view.elements, extraction.fallback_encoding)
        codes = _codes(document, extraction)
        check_folders(place, document.main)
        text = text_of(document, extraction.view, extraction.language)
        if not text:
            parts = ", ".join(name for name, _ in extraction.view.parts)
            raise BadDocument(f"no text in {parts}")
    except BadDocument as fault:
        return fault.at(place)
    except NewerCode as fault:
        raise NewerCode(
            f"{place}: the code {fault}: it is from a newer edition of the classification, whose "
            "groups differ; give the original WIPO-Alpha, and do not mix the two"
        ) from None
    number = document.number or place
    return number, document.application, codes, text.encode(), tuple(document.notes)


def _bytes_of(path: str) -> bytes:
    """Return a file's bytes; reading stops soon after FILE_BYTES. Raises BadDocument.

    A Python file object would take as long as parsing the XML: most files fit into one read.
    """
    try:
        file = os.open(
            path, os.O_RDONLY | os.O_NONBLOCK
        )  # a pipe reads as empty instead of blocking
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


def _codes(document: PatentDocument, extraction: Extraction) -> tuple[str, ...]:
    """Return the codes cut to the level, the main code first. Raises BadDocument."""
    if not document.main:
        raise BadDocument("it names no main code (mc of <ipcs>)")
    main = cut(document.main, extraction.width)
    others = [cut(code, extraction.width) for code in document.secondary]
    if not (others and extraction.with_secondary):
        return (main,)
    return tuple(dict.fromkeys((main, *others)))
