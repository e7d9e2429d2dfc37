"""A seeded sample of a corpus that keeps every label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.contract import SPLITS, Corpus, LoaderError
from benchbench.kit.data import splits
from benchbench.kit.data.arrow_files import batches_of

if TYPE_CHECKING:
    import datasets


def limit_corpus(corpus: Corpus, limit: int, seed: int) -> Corpus:
    """Return the corpus with at most `limit` documents per split, and with every label.

    The sample is seeded and stratified; that of a split does not depend on the other splits. The
    label space stays. Raises LoaderError where the limit is below the number of labels in a split.
    """
    parts: dict[str, datasets.Dataset] = {}
    for split in SPLITS:
        dataset = getattr(corpus, split)
        sets = label_sets(dataset)
        if len(dataset) <= limit:
            parts[split] = dataset
            continue
        try:
            sample = splits.stratified_sample(sets, limit, seed)
        except ValueError:
            least = len(set(sets.codes.tolist()))
            raise LoaderError(
                f"limit {limit} cannot keep the {least} labels of the {split} split; "
                f"give a limit of at least {least}"
            ) from None
        parts[split] = dataset.select(sample)
    facts = {**corpus.report.facts, "limit": limit}
    return replace(corpus, **parts, report=replace(corpus.report, facts=facts))


def label_sets(dataset: datasets.Dataset) -> splits.LabelSets:
    """Return the label codes of the documents of a split."""
    import numpy as np

    codes, lengths = [np.empty(0, np.int64)], [np.zeros(1, np.int64)]
    for batch in batches_of(dataset.select_columns(["labels"])):
        codes.append(batch.column(0).flatten().to_numpy().astype(np.int64))
        lengths.append(np.diff(batch.column(0).offsets.to_numpy()))
    return splits.LabelSets(np.concatenate(codes), np.cumsum(np.concatenate(lengths)))
