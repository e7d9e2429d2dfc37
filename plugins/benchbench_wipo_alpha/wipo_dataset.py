"""The dataset `wipo-alpha`: how its files become a corpus."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from benchbench import Corpus, Kind, LoaderError, Params
from benchbench.kit.data import BuildOptions, Document, build_corpus
from benchbench.kit.typed_parameters import read_parameters
from benchbench_wipo_alpha.codes import NewerCode, parents
from benchbench_wipo_alpha.collection_files import PatentCollection, find_collection
from benchbench_wipo_alpha.document_counts import DocumentCounts
from benchbench_wipo_alpha.document_selection import (
    DocumentHeader,
    LabelRule,
    SelectedDocument,
    select,
)
from benchbench_wipo_alpha.extraction import Extraction, extract_all, processes_for
from benchbench_wipo_alpha.places import HALVES
from benchbench_wipo_alpha.wipo_options import PARAMETERS, WipoAlphaOptions


class WipoAlpha:
    """The patent collection WIPO-Alpha with its own halves, from a folder or an archive."""

    name = "wipo-alpha"
    description = "the WIPO-Alpha patents: a tree of XML files, or a .zip or .tar.gz of it"
    parameters = PARAMETERS

    def kind(self, params: Params) -> Kind:
        """Return single-label where main codes are the only labels."""
        options = read_parameters(WipoAlphaOptions, params)
        return "single-label" if options.single_label else "multi-label"

    def source(self, params: Params) -> str:
        """Return a digest: of an archive's bytes, or of the sizes and times of a folder's files."""
        return find_collection(read_parameters(WipoAlphaOptions, params).path).digest()

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the documents into Arrow files under `folder`. Raises LoaderError."""
        options = read_parameters(WipoAlphaOptions, params)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with _paused_garbage_collector():
                return _load(options, self.kind(params), folder)
        except NewerCode as error:
            raise LoaderError(f"{options.path}: {error}") from None


def _load(options: WipoAlphaOptions, kind: Kind, folder: Path) -> Corpus:
    collection = find_collection(options.path)
    origin = str(collection.path)
    counts = DocumentCounts(origin, options.skips_bad_documents, options.max_skipped)
    rule = LabelRule(options.label_rule == "main-in-training", options.minimum_count)
    with (folder / "texts").open("w+b") as spool:
        headers = _spool(collection, options, spool, counts)
        selected = select(headers, rule, counts)
        _check_halves(origin, headers, selected)
        counts.check_share()
        report = counts.report(collection.outside)
        corpus = build_corpus(
            folder,
            kind,
            {half: _rows(selected, half, spool) for half in HALVES},
            options=BuildOptions(
                validation_fraction=options.validation_fraction,
                split_seed=options.split_seed,
                unseen_labels=options.unseen_labels,
                parents=parents({code for document in selected for code in document.labels}),
                source=origin,
            ),
            report=lambda: report,
        )
    (folder / "texts").unlink()
    return corpus


@contextmanager
def _paused_garbage_collector() -> Iterator[None]:
    """Pause Python's garbage collector, which would visit every header again and again.

    Reading creates no reference cycles, and the pause saves a quarter of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _spool(
    collection: PatentCollection, options: WipoAlphaOptions, spool: BinaryIO, counts: DocumentCounts
) -> list[DocumentHeader]:
    """Read all documents; write their texts to `spool` and return their headers."""
    extraction = Extraction.from_options(options)
    processes = processes_for(options.processes)
    headers = []
    start = 0
    for place, extracted in extract_all(collection.members(), extraction, processes):
        counts.seen += 1
        if isinstance(extracted, str):
            counts.bad(extracted)
            continue
        number, application, codes, text, notes = extracted
        spool.write(text)
        headers.append(DocumentHeader(place, number, application, codes, start, len(text)))
        start += len(text)
        if notes:
            counts.note(place, notes)
    return headers


def _rows(selected: list[SelectedDocument], half: str, spool: BinaryIO) -> Iterator[Document]:
    for header, labels, main in selected:
        if header.place.startswith(half):
            spool.seek(header.start)
            text = spool.read(header.length).decode()
            yield Document(header.number, text, labels, main, header.application)


def _check_halves(
    origin: str, headers: list[DocumentHeader], selected: list[SelectedDocument]
) -> None:
    """Raise LoaderError where a half holds no document."""
    for half in HALVES:
        if any(document.header.place.startswith(half) for document in selected):
            continue
        if any(header.place.startswith(half) for header in headers):
            raise LoaderError(
                f"{origin}: the label rule leaves no document of {half}; lower minimum_count"
            )
        raise LoaderError(
            f"{origin}: no XML document under a folder named {half}; give the folder (or an "
            "archive of it) that holds train and test"
        )
