"""The dataset `wipo-alpha`: its parameters, and how its files become a corpus."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from benchbench import Corpus, Kind, LoaderError, Parameter, Params
from benchbench.kit.data import BuildOptions, Document, build_corpus
from benchbench_wipo_alpha.codes import WIDTHS, NewerCode, parents
from benchbench_wipo_alpha.places import HALVES
from benchbench_wipo_alpha.reading import Reading, processes_for, read_all
from benchbench_wipo_alpha.selection import Chosen, Header, LabelRule, select
from benchbench_wipo_alpha.sources import Source, find_source
from benchbench_wipo_alpha.tally import Tally
from benchbench_wipo_alpha.view import Language, View

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("path", str, None, "folder with train and test, or a .zip, .tar, .tar.gz of it"),
    Parameter("level", str, "subclass", "how far codes are read", choices=tuple(WIDTHS)),
    Parameter(
        "labels",
        str,
        "main+secondary",
        "codes of a document that are its labels; main alone makes it single-label",
        choices=("main", "main+secondary"),
    ),
    Parameter(
        "view",
        str,
        "title,abstract",
        "texts shown, in order, each with an optional number of words: title,claims:200 (of "
        "title, abstract, claims, description, applicants, inventors), or classic-300",
    ),
    Parameter("language", str, "EN", "language of texts, as xml:lang names it"),
    Parameter(
        "language_fallback",
        str,
        "any",
        "where a text is not in that language: another one (counted), or none",
        choices=("any", "none"),
    ),
    Parameter(
        "label_rule",
        str,
        "main-in-training",
        "which codes are labels: those that are a training document's main one, or all in training",
        choices=("main-in-training", "all"),
    ),
    Parameter(
        "minimum_count",
        int,
        0,
        "training documents that a label needs; documents without any such label are left out",
        minimum=0,
    ),
    Parameter("validation_fraction", float, 0.1, "share of train", minimum=0.001, maximum=0.9),
    Parameter(
        "unseen_labels",
        str,
        "keep",
        "labels that training lacks: keep them as always missed, or refuse them",
        choices=("error", "keep"),
    ),
    Parameter("on_bad_document", str, "error", "what to do with it", choices=("error", "skip")),
    Parameter("max_skipped", float, 0.01, "largest share of bad documents", minimum=0, maximum=1),
    Parameter(
        "xml_fallback_encoding",
        str,
        "",
        "encoding of files that say UTF-8 and are not, e.g. iso-8859-1; empty: they are bad",
    ),
    Parameter(
        "processes", int, "auto", "processes that read; no result depends on it",
        words=("auto",), minimum=1, maximum=64,
    ),
)  # fmt: skip


class WipoAlpha:
    """The patent collection WIPO-Alpha with its own halves, from a folder or an archive."""

    name = "wipo-alpha"
    description = "the WIPO-Alpha patents: a tree of XML files, or a .zip or .tar.gz of it"
    parameters = PARAMETERS

    def kind(self, params: Params) -> Kind:
        """Return single-label where only main codes count."""
        return "single-label" if params["labels"] == "main" else "multi-label"

    def source(self, params: Params) -> str:
        """Return a digest of the files: of an archive all bytes, of a folder sizes and times."""
        return find_source(str(params["path"])).digest()

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the documents into Arrow files under `folder`. Raises LoaderError."""
        try:
            with _no_search_for_cycles():
                return self._load(params, folder)
        except NewerCode as error:
            raise LoaderError(f"{params['path']}: {error}") from None

    def _load(self, params: Params, folder: Path) -> Corpus:
        folder.mkdir(parents=True, exist_ok=True)
        source = find_source(str(params["path"]))
        skip = params["on_bad_document"] == "skip"
        tally = Tally(str(source.path), skip, float(params["max_skipped"]))
        rule = LabelRule(params["label_rule"] == "main-in-training", int(params["minimum_count"]))
        with (folder / "texts").open("w+b") as spool:
            headers = _spool(source, params, spool, tally)
            chosen = select(headers, rule, tally)
            _check_halves(source, headers, chosen)
            tally.check_share()
            report = tally.report(source.outside)
            corpus = build_corpus(
                folder,
                self.kind(params),
                {half: _rows(chosen, half, spool) for half in HALVES},
                options=BuildOptions(
                    validation_fraction=float(params["validation_fraction"]),
                    split_seed=int(params["split_seed"]),
                    unseen_labels=str(params["unseen_labels"]),
                    parents=parents({code for row in chosen for code in row.labels}),
                    source=str(source.path),
                ),
                report=lambda: report,
            )
        (folder / "texts").unlink()
        return corpus


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Pause Python's garbage collector: it would go through every header again and again.

    Reading leaves no cycles behind, and a quarter of the time is saved.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _spool(source: Source, params: Params, spool: BinaryIO, tally: Tally) -> list[Header]:
    """Read all documents; write their texts to `spool` and return the rest of them."""
    reading = Reading(
        WIDTHS[str(params["level"])],
        View.of(str(params["view"])),
        Language(str(params["language"]).upper(), params["language_fallback"] == "any"),
        params["labels"] != "main",
        str(params["xml_fallback_encoding"]),
    )
    processes = processes_for(params["processes"])  # type: ignore[arg-type]
    headers = []
    start = 0
    for place, found in read_all(source.members(), reading, processes):
        tally.seen += 1
        if isinstance(found, str):
            tally.bad(found)
            continue
        number, application, codes, text, notes = found
        spool.write(text)
        headers.append(Header(place, number, application, codes, start, len(text)))
        start += len(text)
        if notes:
            tally.note(place, notes)
    return headers


def _rows(chosen: list[Chosen], half: str, spool: BinaryIO) -> Iterator[Document]:
    for header, labels, main in chosen:
        if header.place.startswith(half):
            spool.seek(header.start)
            text = spool.read(header.length).decode()
            yield Document(header.number, text, labels, main, header.application)


def _check_halves(source: Source, headers: list[Header], chosen: list[Chosen]) -> None:
    """Raise LoaderError where a half holds no document."""
    for half in HALVES:
        if any(row.header.place.startswith(half) for row in chosen):
            continue
        if any(header.place.startswith(half) for header in headers):
            raise LoaderError(
                f"{source.path}: the label rule leaves no document of {half}; lower minimum_count"
            )
        raise LoaderError(
            f"{source.path}: no XML document under a folder named {half}; give the folder (or "
            "an archive of it) that holds train and test"
        )
