"""The texts of documents, where the corpus is at hand: in the cache of prepared datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchbench.contract import BenchbenchError, Split
from benchbench.planning import corpora_folder


def texts_at_hand(fingerprint: str, split: Split, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the texts of documents by id; empty where the corpus is not in the cache.

    Nothing is fetched or read again: a store has no texts, and the cache may be lost at any time.
    """
    from benchbench.kit.data import describe_corpus, read_corpus

    wanted = set(ids)
    folder = corpora_folder()
    for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
        try:
            if describe_corpus(path).fingerprint != fingerprint:
                continue
            rows = getattr(read_corpus(path, fingerprint), split)
        except (OSError, ValueError, BenchbenchError):
            continue  # another version's, or damaged: the next run says so
        return {
            name: text
            for name, text in zip(rows["id"], rows["text"], strict=True)
            if name in wanted
        }
    return {}
