"""From a dataset's name and parameters to Arrow files in the cache, once for all cells.

A child process reads the dataset. So the memory of the suite does not grow, and a dataset that
crashes the reader ends in a message and not in the end of the run.
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
    all_as_published,
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
        """The sha256 of all documents and the label space."""
        return self.description.fingerprint


def cache_folder() -> Path:
    """Return the folder of caches: BENCHBENCH_CACHE, else in the user's cache folder."""
    if os.environ.get(CACHE):
        return Path(os.environ[CACHE])
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "benchbench"


def prepare(
    reference: Reference, catalog: Catalog, *, strict: bool = False, cache: Path | None = None
) -> PreparedCorpus:
    """Return the corpus of a dataset: from the cache if nothing has changed, else read again.

    `cache` is the folder of caches, by default `cache_folder()`. Raises LoaderError for a bad
    source, and with `strict` for texts that are in two splits; Skip for a source that is absent.
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
            "Correct the data, or run without --strict."
        )
    return prepared


def _make_cache(folder: Path) -> None:
    try:
        fsio.make_folder(folder)
    except StoreError as error:
        raise StoreError(f"{error} Name a folder for the cache with {CACHE}=FOLDER.") from error


def build(use: str, params: Params, folder: Path) -> None:
    """Read a dataset, check it, limit it, look for leaks, and write it to `folder`."""
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
    """Return the corpus with a count of the texts that are in two splits in its report."""
    from benchbench.kit.data import find_duplicates

    counts = find_duplicates(corpus)._asdict()
    facts = {f"duplicates_{name}": count for name, count in counts.items()}
    pairs = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    warnings = (f"texts that are in two splits: {', '.join(pairs)}",) if pairs else ()
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
    """Return the name of a corpus in the cache: the sha256 of everything that decides it."""
    plugins = catalog.suppliers("dataset", reference)
    return digest(
        {
            "use": reference.use,
            "params": all_as_published(params),
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
                f"Dataset '{use}': the process that read it died, most likely because memory ran "
                "out. Use less data, or a machine with more memory."
            ) from error
