"""Documents that are the same, or nearly: within a split, across splits, with other labels.

Nearly the same are documents whose sets of three successive words have a Jaccard similarity of at
least `SIMILAR`. They are found by MinHash (Broder, 1997) in bands of hashes, and then compared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from benchbench.analysis.findings import CheckedDocument, DataCheck, NamedDocument, plural

SIMILAR = 0.8
PERMUTATIONS = 64
SHINGLE = 3
"""How many successive words are one element of a document's set."""

Pair = tuple[CheckedDocument, CheckedDocument]
Step = Callable[[int, int], object]


def duplicate_checks(
    documents: Sequence[CheckedDocument], step: Step = lambda done, total: None
) -> list[DataCheck]:
    """Return what stands twice; `step(done, total)` is told of progress."""
    same = [*_same(documents)]
    alike = [*_alike(documents, step)]
    pairs = [*same, *alike]
    return [
        _check("same text within a split", (pair for pair in same if _within(pair))),
        _check("same text in two splits", (pair for pair in same if not _within(pair))),
        _check("similar texts within a split", (pair for pair in alike if _within(pair))),
        _check("similar texts in two splits", (pair for pair in alike if not _within(pair))),
        _check("other labels on the same or a similar text", filter(_conflicts, pairs)),
    ]


def _check(name: str, pairs: Iterable[Pair]) -> DataCheck:
    found = tuple(
        NamedDocument(
            name, later.split, later.id, earlier.split, earlier.id, _labels(later, earlier)
        )
        for earlier, later in pairs
    )
    text = f"{plural(len(found), 'pair')}" if found else "none"
    return DataCheck(name, text, bool(found), found)


def _labels(one: CheckedDocument, other: CheckedDocument) -> str:
    """Return the labels of both where they differ."""
    if not _conflicts((one, other)):
        return ""
    return f"{', '.join(one.labels)} / {', '.join(other.labels)}"


def _within(pair: Pair) -> bool:
    return pair[0].split == pair[1].split


def _conflicts(pair: Pair) -> bool:
    return set(pair[0].labels) != set(pair[1].labels)


def normalised(text: str) -> str:
    """Return a text in NFKC, case folded, with one space for every run of white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _same(documents: Sequence[CheckedDocument]) -> Iterator[Pair]:
    """Yield every document whose text an earlier one has, with the first of these."""
    first: dict[str, CheckedDocument] = {}
    for document in documents:
        text = normalised(document.text)
        if text in first:
            yield first[text], document
        else:
            first[text] = document


def _alike(documents: Sequence[CheckedDocument], step: Step) -> Iterator[Pair]:
    """Yield documents that are nearly, and not quite, the same as an earlier one."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=SIMILAR, num_perm=PERMUTATIONS)
    sets: list[frozenset[str]] = []
    texts: list[str] = []
    for place, document in enumerate(documents):
        text = normalised(document.text)
        shingles = _shingles(text)
        sets.append(shingles)
        texts.append(text)
        step(place + 1, len(documents))
        if not shingles:
            continue
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([shingle.encode() for shingle in shingles])
        candidates = sorted(index.query(sketch))
        index.insert(place, sketch)
        for other in candidates:
            if texts[other] != text and _jaccard(sets[other], shingles) >= SIMILAR:
                yield documents[other], document
                break  # one earlier document says it


def _shingles(text: str) -> frozenset[str]:
    words = text.split()
    if len(words) < SHINGLE:
        return frozenset()
    return frozenset(
        " ".join(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1)
    )


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
