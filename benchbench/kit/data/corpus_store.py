"""A corpus as a folder: `corpus.json` and one Arrow file per split, with a fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import SPLITS, Corpus, LabelSpace, LoaderError, LoadReport
from benchbench.kit.data.arrow_files import batches_of, open_split, open_writer
from benchbench.kit.data.sampling import label_sets

if TYPE_CHECKING:
    import datasets

SIZES = "sizes.json"


def write_corpus(corpus: Corpus, folder: Path) -> str:
    """Write `corpus.json`, one Arrow file per split and `sizes.json`; return the fingerprint.

    The fingerprint is a sha256 of the label space and of every row. It does not depend on chunks
    or library versions. Rows stream, and index mappings are followed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = {
        "names": list(corpus.labels.names),
        "texts": list(corpus.labels.texts),
        "parents": dict(corpus.labels.parents),
        "unseen": list(corpus.labels.unseen),
    }
    digest = hashlib.sha256(canonical_line([corpus.kind, corpus.main_metric, labels]))
    characters = 0
    for split in SPLITS:
        digest.update(canonical_line(split))
        # Written to another name, then moved: the corpus may be mapped from this very file.
        fresh = folder / f"{split}.arrow.new"
        with open_writer(fresh) as writer:
            for batch in batches_of(getattr(corpus, split)):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    characters += len(row[1])
                    digest.update(canonical_line([*row[:5], repr(row[5])]))
                writer.write_batch(batch)
        fresh.replace(folder / f"{split}.arrow")
    facts = {
        "kind": corpus.kind,
        "main_metric": corpus.main_metric,
        "labels": labels,
        "report": asdict(corpus.report),
        "documents": {split: len(getattr(corpus, split)) for split in SPLITS},
        "characters": characters,
        "training_counts": training_counts(corpus),
        "fingerprint": digest.hexdigest(),
    }
    (folder / "corpus.json").write_bytes(canonical_line(facts))
    (folder / SIZES).write_bytes(canonical_line(_sizes(folder)))
    return digest.hexdigest()


def corpus_facts(folder: Path) -> dict[str, Any]:
    """Return what `corpus.json` says, without reading the rows. Raises LoaderError.

    Keys: kind, main_metric, labels (names, texts, parents, unseen), report, documents (by
    split), characters (of all texts), training_counts (by label), fingerprint.
    """
    path = folder / "corpus.json"
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LoaderError(f"{path}: not a stored corpus ({error}); load it again") from None
    if not isinstance(facts, dict) or "fingerprint" not in facts:
        raise LoaderError(f"{path}: not a stored corpus; load it again")
    return facts


def is_whole(folder: Path) -> bool:
    """Say whether a folder holds a corpus of which no file is missing or cut short."""
    try:
        sizes = json.loads((folder / SIZES).read_bytes())
        return bool(sizes == _sizes(folder))
    except (OSError, ValueError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size in bytes of each file of a stored corpus."""
    names = ("corpus.json", *(f"{split}.arrow" for split in SPLITS))
    return {name: (folder / name).stat().st_size for name in names}


def read_corpus(folder: Path) -> Corpus:
    """Return the corpus that `write_corpus` wrote, memory-mapped. Raises LoaderError."""
    facts = corpus_facts(folder)
    labels = facts["labels"]
    report = facts["report"]
    parts: dict[str, datasets.Dataset] = {}
    for split in SPLITS:
        parts[split] = open_split(folder / f"{split}.arrow")
        if len(parts[split]) != facts["documents"][split]:
            raise LoaderError(
                f"{folder / split}.arrow: expected {facts['documents'][split]} rows, found "
                f"{len(parts[split])}: the file is cut short; load the corpus again"
            )
    return Corpus(
        facts["kind"],
        facts["main_metric"],
        LabelSpace(
            tuple(labels["names"]),
            tuple(labels["texts"]),
            labels["parents"],
            tuple(labels["unseen"]),
        ),
        **parts,
        report=LoadReport(
            report["seen"],
            report["loaded"],
            tuple(report["skipped"]),
            tuple(report["repaired"]),
            tuple(report["warnings"]),
            report["facts"],
        ),
    )


def training_counts(corpus: Corpus) -> dict[str, int]:
    """Return the number of training documents per label, in the order of the label space."""
    import numpy as np

    counts = np.bincount(label_sets(corpus.train).codes, minlength=len(corpus.labels))
    return dict(zip(corpus.labels.names, counts.tolist(), strict=True))


def canonical_line(value: object) -> bytes:
    """Return a value as JSON in its canonical form: one line, with sorted keys.

    >>> canonical_line({"b": 1, "a": [2]}).rstrip()
    b'{"a": [2], "b": 1}'
    """
    return json.dumps(value, sort_keys=True, allow_nan=False).encode() + b"\n"
