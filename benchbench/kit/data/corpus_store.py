"""A corpus as a folder: `corpus.json`, one Arrow file per split, and a manifest of their content.

The fingerprint in `corpus.json` is part of every record's key. The manifest ties the files to it:
they are checked against it wherever they are read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import SPLITS, Corpus, CorpusDescription, LoaderError
from benchbench.kit.data.arrow_files import batches_of, open_split, open_writer
from benchbench.kit.data.sampling import label_sets
from benchbench.machine import Stamp, content_fault, read_as, stamp, write_contents

if TYPE_CHECKING:
    import datasets

FILES = ("corpus.json", *(f"{split}.arrow" for split in SPLITS))


def write_corpus(corpus: Corpus, folder: Path) -> str:
    """Write `corpus.json`, one Arrow file per split and their manifest; return the fingerprint.

    The fingerprint is a sha256 of the label space and of every row. It does not depend on chunks
    or library versions. Rows stream, and index mappings are followed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = corpus.labels.to_json()
    digest = hashlib.sha256(canonical_line([corpus.kind, corpus.main_metric, labels]))
    characters = longest = 0
    for split in SPLITS:
        digest.update(canonical_line(split))
        # Written to another name, then moved: the corpus may be mapped from this very file.
        fresh = folder / f"{split}.arrow.new"
        with open_writer(fresh) as writer:
            for batch in batches_of(getattr(corpus, split)):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    characters += len(row[1])
                    longest = max(longest, len(row[1]))
                    digest.update(canonical_line([*row[:5], repr(row[5])]))
                writer.write_batch(batch)
        fresh.replace(folder / f"{split}.arrow")
    description = CorpusDescription(
        corpus.kind,
        corpus.main_metric,
        corpus.labels,
        {split: len(getattr(corpus, split)) for split in SPLITS},
        characters,
        training_counts(corpus),
        corpus.report,
        digest.hexdigest(),
        longest,
    )
    (folder / "corpus.json").write_bytes(canonical_line(description.to_json()))
    write_contents(folder, FILES)
    return digest.hexdigest()


def describe_corpus(folder: Path) -> CorpusDescription:
    """Return what `corpus.json` says, without reading the rows. Raises LoaderError."""
    path = folder / "corpus.json"
    try:
        return read_as(CorpusDescription, json.loads(path.read_bytes()))
    except OSError as error:
        raise LoaderError(f"{path}: not a stored corpus ({error}); load it again") from None
    except ValueError as error:
        raise LoaderError(f"{path}: not a stored corpus ({error}); load it again") from None


def corpus_fault(folder: Path) -> str:
    """Return what is wrong with the files of a stored corpus, read as a whole; empty if nothing."""
    return content_fault(folder, FILES)


def corpus_stamp(folder: Path) -> Stamp:
    """Return what shows a change of a stored corpus without reading it; empty if it is gone."""
    return stamp(folder, FILES)


def read_corpus(folder: Path, fingerprint: str | None = None) -> Corpus:
    """Return the corpus that `write_corpus` wrote, memory-mapped, after a check of its content.

    `fingerprint` is the one that it must have. Raises LoaderError.
    """
    if fault := corpus_fault(folder):
        raise LoaderError(f"{folder}: {fault}; run again to read it anew")
    description = describe_corpus(folder)
    if fingerprint not in (None, description.fingerprint):
        raise LoaderError(
            f"{folder}: expected the corpus {fingerprint}, found {description.fingerprint}; "
            "run again to read it anew"
        )
    parts: dict[str, datasets.Dataset] = {}
    for split in SPLITS:
        parts[split] = open_split(folder / f"{split}.arrow")
    return Corpus(
        description.kind,
        description.main_metric,
        description.labels,
        **parts,
        report=description.report,
    )


def training_counts(corpus: Corpus) -> tuple[int, ...]:
    """Return the number of training documents per label, in the order of the label space."""
    import numpy as np

    counts = np.bincount(label_sets(corpus.train).codes, minlength=len(corpus.labels))
    return tuple(counts.tolist())


def canonical_line(value: object) -> bytes:
    """Return a value as JSON in its canonical form: one line, with sorted keys.

    >>> canonical_line({"b": 1, "a": [2]}).rstrip()
    b'{"a": [2], "b": 1}'
    """
    return json.dumps(value, sort_keys=True, allow_nan=False).encode() + b"\n"
