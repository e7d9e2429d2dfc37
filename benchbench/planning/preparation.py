"""From a dataset's name and parameters to Arrow files in the cache, once for all cells.

A child process reads the dataset. So the memory of the suite does not grow, and a dataset that
crashes the reader ends in a message and not in the end of the run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchbench.catalog import TRAINING_SHARE, Catalog, load_catalog, share_of, whole_of
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
from benchbench.machine import Stamp, core_digest, digest, execution_digest, fsio, module_digest
from benchbench.planning.caches import CACHE, CORPORA, open_cache
from benchbench.planning.reader_process import ProcessDied, call_in_process
from benchbench.planning.training_sample import with_share_of_training

SAMPLING = ("planning/training_sample.py",)
"""The code that decides which training documents a share has."""


@dataclass(frozen=True, slots=True)
class PreparedCorpus:
    """A corpus in the cache, what it says of itself, and a stamp that shows later changes."""

    folder: Path
    description: CorpusDescription
    stamp: Stamp = ()

    @property
    def fingerprint(self) -> str:
        """The sha256 of all documents and the label space."""
        return self.description.fingerprint

    def is_untouched(self) -> bool:
        """Say whether no file was changed since the corpus was prepared; nothing is read."""
        from benchbench.kit.data import corpus_stamp

        return bool(self.stamp) and corpus_stamp(self.folder) == self.stamp


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"benchbench: {line}\n")


def prepare(
    reference: Reference,
    catalog: Catalog,
    *,
    strict: bool = False,
    cache: Path | None = None,
    say: Callable[[str], None] = _to_stderr,
) -> PreparedCorpus:
    """Return the corpus of a dataset: from the cache if nothing has changed, else read again.

    `cache` is the folder of caches, by default that of the user. `say` gets a line where the
    cache is damaged. Raises LoaderError for a bad source, and with `strict` for texts that are in
    two splits; Skip for a source that is absent; StoreError where the cache cannot be written.
    """
    from benchbench.kit.data import corpus_fault, corpus_stamp, describe_corpus

    whole: PreparedCorpus | None = None
    if share_of(reference) < 1:
        whole = prepare(whole_of(reference), catalog, strict=strict, cache=cache, say=say)
    params = catalog.resolved("dataset", reference)
    corpora = (cache or open_cache()) / CORPORA
    with _one_line_errors(reference.name, corpora):
        folder = corpora / (
            _name(reference, params, catalog) if whole is None else _sample_name(whole, params)
        )
        stamp = corpus_stamp(folder)
        if fault := corpus_fault(folder):
            if folder.exists():
                say(f"The cached copy of {reference.name} is damaged ({fault}): it is read again.")
            fsio.remove_folder(folder)
            fsio.make_folder(corpora)
            source = reference.use if whole is None else whole.folder
            _in_own_process(source, dict(params), folder)
            stamp = corpus_stamp(folder)
    prepared = PreparedCorpus(folder, describe_corpus(folder), stamp)
    warnings = prepared.description.report.warnings
    if strict and warnings:
        raise LoaderError(
            f"Dataset '{reference.name}': {'; '.join(warnings)}. "
            "Correct the data, or run without --strict."
        )
    return prepared


@contextmanager
def _one_line_errors(dataset: str, corpora: Path) -> Iterator[None]:
    """Turn what the system refuses while a dataset is read into a StoreError of one line."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Dataset '{dataset}' cannot be read into {corpora}: {fsio.reason_of(error)}. Check "
            f"the disk of the dataset and that of the cache; {CACHE}=FOLDER names another cache."
        ) from error


def build(use: str, params: Params, folder: Path) -> None:
    """Read a dataset, check it, limit it, look for leaks, and write it to `folder`."""
    from benchbench.kit.data import check_corpus, limit_corpus, write_corpus

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


def build_sample(source: Path, params: Params, folder: Path) -> None:
    """Write a prepared corpus again with a share of its training documents.

    What the loader warned of stands with the whole corpus.
    """
    from benchbench.kit.data import check_corpus, read_corpus, write_corpus

    fresh = fsio.scratch_folder(folder.parent)
    try:
        share, seed = float(params[TRAINING_SHARE]), int(params["split_seed"])
        corpus = with_share_of_training(read_corpus(source), share, seed)
        check_corpus(corpus)
        report = replace(with_leaks_reported(corpus).report, warnings=())
        write_corpus(replace(corpus, report=report), fresh)
        fsio.publish_folder(fresh, folder)
    finally:
        fsio.remove_folder(fresh)


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


def _sample_name(whole: PreparedCorpus, params: Params) -> str:
    """Return the name in the cache of a corpus with a share of the training documents."""
    sample = [params[TRAINING_SHARE], params["split_seed"]]
    return digest([whole.fingerprint, sample, core_digest(SAMPLING), execution_digest()])


def _in_own_process(source: str | Path, params: Params, folder: Path) -> None:
    """Read a dataset, or take a sample of the prepared corpus in the folder `source`."""
    try:
        call_in_process(build if isinstance(source, str) else build_sample, source, params, folder)
    except ProcessDied as error:
        raise BenchbenchError(
            f"Dataset '{source}': the process that read it died, most likely because memory ran "
            "out. Use less data, or a machine with more memory."
        ) from error
