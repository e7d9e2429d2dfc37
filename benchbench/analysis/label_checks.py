"""Checks of labels: how many documents each has, and whether the splits are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from benchbench.analysis.findings import CheckedDocument, DataCheck, counts_of, plural
from benchbench.contract import SPLITS, Corpus, Split

FEW = 10
"""A label with fewer training documents is hardly learned, and its F1 has no interval."""
FREQUENT_SHARE = 0.1
"""The tenth of the labels that are most frequent."""
LEVEL = 0.001
"""Splits are called different below this p: many checks are made, and tests see small things."""
EFFECT = 0.1
"""... and where the difference is no trifle: Cramer's V, or the distance of Kolmogorov-Smirnov."""


def label_checks(corpus: Corpus, documents: Sequence[CheckedDocument]) -> list[DataCheck]:
    """Return what stands out in the labels."""
    counts = counts_of(documents)
    return [
        _sizes(corpus),
        _rare(corpus, counts),
        _long_tail(corpus, counts),
        _unseen(corpus, counts),
        _unlabelled(documents),
        _different_labels(counts),
        _different_lengths(documents),
    ]


def _sizes(corpus: Corpus) -> DataCheck:
    sizes = ", ".join(f"{len(getattr(corpus, split)):,} {split}" for split in SPLITS)
    text = f"{sizes}; {plural(len(corpus.labels), 'label')}, {corpus.kind}"
    report = corpus.report
    if report.skipped:
        text += f"; {plural(len(report.skipped), 'row')} skipped"
    return DataCheck("size", text, bool(report.skipped))


def _rare(corpus: Corpus, counts: Mapping[Split, Counter[str]]) -> DataCheck:
    train = counts["train"]
    rare = [name for name in corpus.labels.names if train[name] < FEW]
    least = min(corpus.labels.names, key=lambda name: train[name])
    text = f"'{least}' has the fewest training documents: {train[least]:,}"
    if rare:
        text += f"; {plural(len(rare), 'label')} with fewer than {FEW}"
    return DataCheck("rare labels", text, bool(rare))


def _long_tail(corpus: Corpus, counts: Mapping[Split, Counter[str]]) -> DataCheck:
    train = counts["train"]
    most = max(1, round(FREQUENT_SHARE * len(corpus.labels)))
    share = sum(count for _, count in train.most_common(most)) / max(1, train.total())
    has = "label has" if most == 1 else f"{most:,} labels have"
    text = f"the most frequent {has} {share:.0%} of all labels"
    return DataCheck("long tail", text, share > 0.5 and len(corpus.labels) > 2 * most)


def _unseen(corpus: Corpus, counts: Mapping[Split, Counter[str]]) -> DataCheck:
    unseen = corpus.labels.unseen
    documents = sum(counts[split][name] for split in SPLITS[1:] for name in unseen)
    if not unseen:
        return DataCheck("labels without training", "none")
    some = ", ".join(unseen[:3])
    text = f"{plural(len(unseen), 'label')} of {plural(documents, 'document')}: {some}"
    return DataCheck("labels without training", text, warning=True)


def _unlabelled(documents: Sequence[CheckedDocument]) -> DataCheck:
    count = sum(not document.labels for document in documents)
    return DataCheck("documents without a label", f"{count:,}" if count else "none")


def _different_labels(counts: Mapping[Split, Counter[str]]) -> DataCheck:
    """Compare the labels of test with those of training: chi-squared, and Cramer's V."""
    import numpy as np
    from scipy.stats import chi2_contingency

    name = "labels of test"
    names = sorted({*counts["train"], *counts["test"]})
    table = np.array([[counts[split][one] for one in names] for split in ("train", "test")])
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return DataCheck(name, "too few to compare")
    result = chi2_contingency(table)
    effect = float(np.sqrt(result.statistic / table.sum()))
    apart = bool(result.pvalue < LEVEL and effect > EFFECT)
    verdict = "other shares than" if apart else "about the shares of"
    return DataCheck(name, f"{verdict} training (Cramer's V {effect:.2f})", apart)


def _different_lengths(documents: Sequence[CheckedDocument]) -> DataCheck:
    """Compare the lengths of test with those of training: Kolmogorov and Smirnov."""
    from scipy.stats import ks_2samp

    name = "lengths of test"
    train, test = (
        [len(one.text) for one in documents if one.split == split] for split in ("train", "test")
    )
    result = ks_2samp(train, test)
    apart = bool(result.pvalue < LEVEL and result.statistic > EFFECT)
    verdict = "other lengths than" if apart else "about the lengths of"
    return DataCheck(name, f"{verdict} training (distance {result.statistic:.2f})", apart)
