"""A share of the training documents, so that scores can be compared by their number.

There is one order of the documents, and every share is a beginning of it: a share holds all
smaller ones. The order is seeded by the dataset's `split_seed` alone. So every method and seed
trains on the same documents, a difference between two methods has nothing to do with the draw, and
a share is prepared once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.contract import Corpus

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from numpy.typing import NDArray

    from benchbench.kit.data import LabelSets

    Ints = NDArray[np.int64]


def with_share_of_training(corpus: Corpus, share: float, seed: int) -> Corpus:
    """Return the corpus with a share of its training documents; the other splits stay.

    Every label that training has, it keeps, with its share of the documents as far as possible.
    The documents of a group stay together.
    """
    from benchbench.kit.data.sampling import label_sets

    chosen = nested_sample(label_sets(corpus.train), units_of(corpus.train), share, seed)
    return replace(corpus, train=corpus.train.select(chosen))


def units_of(train: datasets.Dataset) -> Ints:
    """Return int64 [documents]: what stays together, a group or a document without one."""
    import numpy as np

    known: dict[str | int, int] = {}
    groups = train["group"]
    numbers = [known.setdefault(group or row, len(known)) for row, group in enumerate(groups)]
    return np.array(numbers, dtype=np.int64)


def nested_sample(labels: LabelSets, units: Ints, share: float, seed: int) -> Ints:
    """Return the sorted indices of a share of the documents, or of a few more.

    The sample of a smaller share is in that of a larger one. It has every label, at least as many
    units as there are labels, and no part of a unit: more documents than the share, where that
    takes them.

    >>> import numpy as np
    >>> from benchbench.kit.data import LabelSets
    >>> labels, alone = LabelSets.single([0] * 80 + [1] * 20), np.arange(100)
    >>> half, quarter = (nested_sample(labels, alone, share, seed=0) for share in (0.5, 0.25))
    >>> int((half < 80).sum()), int((half >= 80).sum()), bool(np.isin(quarter, half).all())
    (40, 10, True)
    """
    import numpy as np

    from benchbench.kit.data import stratified_sample

    sizes = np.bincount(units)
    joined = _joined(labels, units)
    wanted = max(1, round(share * len(units)))
    least = max(1, len(np.unique(labels.codes)))

    def sample(count: int) -> Ints:
        return (
            stratified_sample(joined, count, seed) if count < len(sizes) else np.arange(len(sizes))
        )

    low, high = min(least, len(sizes)), len(sizes)
    while low < high:  # the fewest units that have enough documents
        middle = (low + high) // 2
        if sizes[sample(middle)].sum() < wanted:
            low = middle + 1
        else:
            high = middle
    return np.flatnonzero(np.isin(units, sample(low)))


def _joined(labels: LabelSets, units: Ints) -> LabelSets:
    """Return the label sets of the units: those of their documents, joined."""
    import numpy as np

    from benchbench.kit.data import LabelSets

    owners = units[labels.documents]
    lengths = np.bincount(owners, minlength=int(units.max()) + 1)
    in_order = labels.codes[np.argsort(owners, kind="stable")]
    return LabelSets(in_order, np.concatenate([[0], np.cumsum(lengths)]))
