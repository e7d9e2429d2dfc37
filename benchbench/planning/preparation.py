"""From a dataset's name and parameters to Arrow files in the cache, once for all cells.

The reading runs in a process of its own, so that the suite's memory stays what it was and a
dataset that crashes the reader is a message, not the end of the run.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from benchbench.catalog import Catalog, load_catalog
from benchbench.contract import (
    BenchbenchError,
    Corpus,
    CorpusDescription,
    LoaderError,
    Params,
    Reference,
    StoreError,
)
from benchbench.machine import digest, execution_digest, fsio, module_digest

CACHE = "BENCHBENCH_CACHE"


@dataclass(frozen=True, slots=True)
class PreparedCorpus:
    """A corpus in the cache, and what it says of itself."""

    folder: Path
    description: CorpusDescription

    @property
    def fingerprint(self) -> str:
        """Sha256 over every document and the label space."""
        return self.description.fingerprint


def cache_folder() -> Path:
    """Return the cache: BENCHBENCH_CACHE, else the user's cache folder."""
    if os.environ.get(CACHE):
        return Path(os.environ[CACHE])
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "benchbench"


def prepare(
    reference: Reference, catalog: Catalog, *, strict: bool = False, cache: Path | None = None
) -> PreparedCorpus:
    """Return the corpus of a dataset, from the cache where its source has not changed.

    `cache` is the folder of caches, by default the user's. What is not whole there is read anew.
    Raises LoaderError in one line for a bad source; with `strict` also for duplicates across
    splits.
    """
    from benchbench.kit.data import describe_corpus, is_whole

    params = catalog.resolved("dataset", reference)
    folder = (cache or cache_folder()) / "corpora" / _name(reference, params, catalog)
    if not is_whole(folder):
        fsio.remove_folder(folder)
        _make_cache(folder.parent)
        _in_own_process(reference.use, dict(params), folder)
    prepared = PreparedCorpus(folder, describe_corpus(folder))
    warnings = prepared.description.report.warnings
    if strict and warnings:
        raise LoaderError(
            f"Dataset '{reference.name}': {'; '.join(warnings)}. "
            "Mend the data, or run without --strict."
        )
    return prepared


def _make_cache(folder: Path) -> None:
    try:
        fsio.make_folder(folder)
    except StoreError as error:
        raise StoreError(f"{error} Name a folder for the cache with {CACHE}=FOLDER.") from error


def build(use: str, params: Params, folder: Path) -> None:
    """Read a dataset and write it, checked, limited and searched for leaks, to `folder`."""
    from benchbench.kit.data import check_corpus, limit_corpus, write_corpus

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    raw, whole = fsio.scratch_folder(folder.parent), fsio.scratch_folder(folder.parent)
    try:
        corpus = load_catalog().dataset(use).load(params, raw)
        check_corpus(corpus)
        if params["limit"]:
            corpus = limit_corpus(corpus, int(params["limit"]), int(params["split_seed"]))
            check_corpus(corpus)
        write_corpus(with_leaks_reported(corpus), whole)
        fsio.publish_folder(whole, folder)
    finally:
        fsio.remove_folder(raw)
        fsio.remove_folder(whole)


def with_leaks_reported(corpus: Corpus) -> Corpus:
    """Return the corpus with texts that stand in more than one split counted in its report."""
    from benchbench.kit.data import find_duplicates

    found = find_duplicates(corpus)
    facts = {f"duplicates_{name}": count for name, count in found._asdict().items()}
    told = [f"{count} {name.replace('_', ' ')}" for name, count in found._asdict().items() if count]
    warnings = (f"texts that stand in two splits: {', '.join(told)}",) if told else ()
    report = corpus.report
    return replace(
        corpus,
        report=replace(
            report,
            facts={**report.facts, **facts},
            warnings=(*report.warnings, *warnings),
        ),
    )


def _name(reference: Reference, params: Params, catalog: Catalog) -> str:
    """Return the name of a corpus in the cache: the sha256 of all that it follows from."""
    plugins = catalog.suppliers("dataset", reference)
    return digest(
        {
            "use": reference.use,
            "params": dict(params),
            "source": catalog.dataset(reference.use).source(params),
            "plugins": [module_digest(plugin.module) for plugin in plugins],
            "core": execution_digest(),
        }
    )


def _in_own_process(use: str, params: Params, folder: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            pool.submit(build, use, params, folder).result()
        except BrokenProcessPool as error:
            raise BenchbenchError(
                f"Dataset '{use}': the process that read it died, most likely of lack of memory. "
                "Give it less data or the machine more memory."
            ) from error
