"""Print how often 95 % intervals hold the truth, over populations of many kinds.

Run it: python tests/perf/interval_coverage.py [boards]

A board is a training split, of which only label counts are kept, and a test split, both drawn from
a population. The truth is the metric on 400,000 documents of that population. Values and intervals
are those of the harness itself: frequent labels, jackknife and log-odds included. A metric without
an interval on a board counts under "none".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchbench.contract import Kind, LabelFacts, LabelSpace, Predictions, ScoredSplit, Tuning
from benchbench.evaluation import METRICS, clusters, estimate, evaluate, interval, label_f1
from benchbench.evaluation.f1 import frequent
from benchbench.evaluation.jackknife import variation

BOARDS, PROCESSES, TRUE_DOCUMENTS = 1_000, 2, 400_000
SIZES = (100, 300, 1_000, 3_000)
TRAINED = 4
"""The training split has so many times the documents of the test split."""
SHOWN: dict[Kind, tuple[str, ...]] = {
    "single-label": ("macro_f1", "frequent_macro_f1", "accuracy", "weighted_f1", "mcc"),
    "multi-label": ("macro_f1", "frequent_macro_f1", "micro_f1", "samples_f1", "exact_match"),
}
FREQUENT = ("macro_f1", "frequent_macro_f1")


@dataclass(frozen=True)
class Population:
    """Labels with shares of documents, how well each is recognised, and what errors look like.

    `confused` is the share of a label's errors that go to the next label; the others are guesses by
    the labels' shares. `group` is the mean number of documents per group: a group has one gold
    label, and its documents are decided alike with probability `alike`.
    """

    name: str
    share: np.ndarray
    skill: np.ndarray
    confused: float = 0.0
    kind: Kind = "single-label"
    group: float = 1.0
    alike: float = 0.0

    def draw(self, number: int, generator: np.random.Generator) -> ScoredSplit:
        """Draw a test split, its decisions, and the label counts of a training split."""
        labels = len(self.share)
        trained = TRAINED * number
        if self.kind == "multi-label":
            gold = generator.random((number, labels)) < self.share
            right = generator.random((number, labels)) < self.skill
            wrong = generator.random((number, labels)) < self.share * (1 - self.skill)
            decided = np.where(gold, right, wrong)
            counts = generator.binomial(trained, self.share)
            return split(self.kind, gold, decided, [""] * number, counts, trained)
        groups = self._groups(number, generator)
        of_group = generator.choice(labels, groups.max() + 1, p=self.share)
        own = self._decide(of_group[groups], generator)
        shared = self._decide(of_group, generator)[groups]
        decided = np.where(generator.random(number) < self.alike, shared, own)
        hot = np.eye(labels, dtype=bool)
        names = [f"g{group}" for group in groups] if self.group > 1 else [""] * number
        counts = generator.multinomial(trained, self.share)
        return split(self.kind, hot[of_group[groups]], hot[decided], names, counts, trained)

    def _groups(self, number: int, generator: np.random.Generator) -> np.ndarray:
        if self.group == 1:
            return np.arange(number)
        sizes = generator.geometric(1 / self.group, size=number)
        return np.repeat(np.arange(number), sizes)[:number]

    def _decide(self, gold: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        labels = len(self.share)
        guess = generator.choice(labels, len(gold), p=self.share)
        wrong = np.where(generator.random(len(gold)) < self.confused, (gold + 1) % labels, guess)
        return np.where(generator.random(len(gold)) < self.skill[gold], gold, wrong)


def split(
    kind: Kind,
    gold: np.ndarray,
    decided: np.ndarray,
    groups: list[str],
    counts: np.ndarray,
    trained: int,
) -> ScoredSplit:
    """Return a scored split with these decisions, bool [documents, labels]."""
    names = tuple(f"{label:04}" for label in range(gold.shape[1]))
    predictions = Predictions(
        tuple(map(str, range(len(gold)))), gold, gold.argmax(axis=1), tuple(groups),
        decided.astype(np.float32),
    )  # fmt: skip
    facts = LabelFacts(LabelSpace(names), tuple(counts.tolist()), trained)
    return ScoredSplit(kind, predictions, facts, Tuning(0.5, np.full(len(names), 0.5), None))


def populations() -> Iterator[Population]:
    """Yield balanced and long-tailed labels, with skills and errors of many kinds."""
    for labels in (2, 5, 20, 77):
        even, zipf = np.full(labels, 1 / labels), 1 / np.arange(1, labels + 1)
        zipf /= zipf.sum()
        uneven = np.random.default_rng(labels).dirichlet(np.ones(labels))
        wild = np.random.default_rng(labels + 1).uniform(0.2, 0.99, labels)
        yield Population(f"{labels} even, skilled", even, np.full(labels, 0.95))
        yield Population(f"{labels} even, confused", even, np.linspace(0.9, 0.4, labels), 1.0)
        yield Population(f"{labels} long tail", zipf, np.linspace(0.9, 0.5, labels))
        yield Population(
            f"{labels} long tail, rare known", zipf, np.linspace(0.6, 0.9, labels), 0.8
        )
        yield Population(f"{labels} long tail, poor", zipf, np.full(labels, 0.3))
        yield Population(f"{labels} uneven, wild skills", uneven, wild, 0.3)
    for labels in (5, 20):
        even, skill = np.full(labels, 1 / labels), np.linspace(0.9, 0.5, labels)
        yield Population(f"{labels} even, groups of 3", even, skill, 0.3, group=3, alike=0.7)
        shares = 0.4 / np.arange(1, labels + 1) ** 0.7
        yield Population(f"{labels} of several", shares, skill, kind="multi-label")


def board(population: Population, size: int, seed: int) -> list[tuple[float, ...] | None]:
    """Return (value, low, high, frequent labels ...) of every metric of a board; None: none."""
    generator = np.random.default_rng(seed)
    scored = population.draw(size, generator)
    names = SHOWN[population.kind]
    rows = [metric for metric in METRICS if metric.name in names]
    _, additive = evaluate(scored, rows, names)
    cluster = clusters(scored.predictions.groups)
    found: list[tuple[float, ...] | None] = []
    for name in names:
        run = additive.get(name)
        if run is None or not run.interval:
            found.append(None)
            continue
        limits = next(row.limits for row in rows if row.name == name)
        one = variation([run], cluster, seeds=False)
        bounds = interval(estimate(one), limits)
        chosen = np.flatnonzero(frequent(scored)) if name in FREQUENT else ()
        found.append((one.value, *bounds, *map(float, chosen)) if bounds else None)
    return found


def truth_of(population: Population) -> tuple[dict[str, float], np.ndarray]:
    """Return the true value of every metric, and the true F1 of every label."""
    scored = population.draw(TRUE_DOCUMENTS, np.random.default_rng(99))
    rows = [metric for metric in METRICS if metric.name in SHOWN[population.kind]]
    return evaluate(scored, rows)[0], label_f1(scored)


def main() -> None:
    """Print a row for every population and size: coverage, and how often there is no interval."""
    boards = int(sys.argv[1]) if len(sys.argv) > 1 else BOARDS
    print(f"{boards} boards per row; standard error of a coverage of 95 %: "
          f"{100 * (0.95 * 0.05 / boards) ** 0.5:.1f} %\n")  # fmt: skip
    print("| labels | documents | metric | truth | held | none |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    everything: dict[str, list[float]] = {}
    with Pool(PROCESSES) as pool:
        for population in populations():
            values, by_label = truth_of(population)
            for size in SIZES:
                found = pool.map(partial(board, population, size), range(boards), chunksize=10)
                for place, name in enumerate(SHOWN[population.kind]):
                    rows = [row[place] for row in found if row[place] is not None]
                    if len(rows) < boards / 2:
                        continue
                    held = [
                        low <= (by_label[[*map(int, chosen)]].mean() if chosen else values[name])
                        <= high
                        for _, low, high, *chosen in rows
                    ]  # fmt: skip
                    share = 100 * np.mean(held)
                    everything.setdefault(name, []).append(share)
                    mean = np.mean([row[0] for row in rows])
                    print(f"| {population.name} | {size:,} | {name} | {mean:.3f} | {share:.1f} | "
                          f"{100 - 100 * len(rows) / boards:.0f} % |", flush=True)  # fmt: skip
    for name, shares in everything.items():
        print(f"\n{name}: {len(shares)} rows, {min(shares):.1f} to {max(shares):.1f}, "
              f"mean {np.mean(shares):.1f}; outside 93 to 97: "
              f"{sum(not 93 <= share <= 97 for share in shares)}")  # fmt: skip


if __name__ == "__main__":
    main()
