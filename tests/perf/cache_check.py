"""Print what the check of a cached corpus costs, beside what a cell does with the corpus.

Run it: python tests/perf/cache_check.py [--documents 75250] [--rounds 5]

A load is what a finished cache gives a cell: the corpus is opened, and every text is read once. A
first load also reads the source. Processor time is compared, so that other programs matter little.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

CHARACTERS = 3000
SPLITS = ("train", "validation", "test")


def main() -> None:
    """Measure a corpus of the size of WIPO-Alpha, and one of a small table."""
    options = argparse.ArgumentParser()
    options.add_argument("--documents", type=int, default=75_250)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    for documents, length in ((given.documents, CHARACTERS), (300, 100)):
        with tempfile.TemporaryDirectory() as name:
            measure(Path(name), documents, length, given.rounds)


def measure(folder: Path, count: int, length: int, rounds: int) -> None:
    """Print the seconds and the ratios of one corpus."""
    from benchbench.kit.data import build_corpus, corpus_fault, read_corpus, write_corpus

    def make() -> None:
        corpus = build_corpus(folder / "raw", "single-label", {"train": documents(count, length)})
        write_corpus(corpus, folder / "cached")

    def load() -> None:
        corpus = read_corpus(folder / "cached")
        for split in SPLITS:
            list(getattr(corpus, split)["text"])

    first = _seconds(make)
    loads, checks = [], []
    for _ in range(rounds + 1):
        loads.append(_seconds(load))
        checks.append(_seconds(lambda: corpus_fault(folder / "cached")))
    ratios = [check / (load - check) for check, load in zip(checks, loads, strict=True)][1:]
    check = statistics.median(checks[1:])
    print(
        f"{count} documents: made {first:.2f} s, loaded {statistics.median(loads[1:]):.4f} s, of "
        f"which the check {check:.4f} s: {statistics.median(ratios):.1%} of the rest of a load "
        f"({min(ratios):.1%} to {max(ratios):.1%}), {check / first:.2%} of a first load"
    )


def documents(count: int, length: int) -> Iterator[object]:
    """Yield documents of 100 labels."""
    from benchbench.kit.data import Document

    random = Random(0)
    words = ["".join(random.choices("abcdefghij", k=6)) for _ in range(5000)]
    texts = [" ".join(random.choices(words, k=length // 7)) for _ in range(min(count, 2000))]
    for number in range(count):
        yield Document(str(number), texts[number % len(texts)], (f"label {number % 100}",))


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
