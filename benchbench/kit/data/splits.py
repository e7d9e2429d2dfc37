"""Seeded splits and samples that keep every class and never break a group. Pure numpy.

A class is here the *stratum* of a document: its rarest label in the whole corpus. For a
single-label document that is its label. For a multi-label one it is the label that is hardest to
place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelSets:
    """The labels of n documents: those of document i are `codes[offsets[i]:offsets[i + 1]]`.

    `codes` int [n_pairs], `offsets` int64 [n + 1].

    >>> labels = LabelSets.several([[0, 2], [], [1]])
    >>> labels.codes.tolist(), labels.offsets.tolist(), labels.documents.tolist()
    ([0, 2, 1], [0, 2, 2, 3], [0, 0, 2])
    """

    codes: NDArray[np.integer]
    offsets: Ints

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.offsets) - 1

    @classmethod
    def single(cls, codes: Sequence[int] | NDArray[np.integer]) -> LabelSets:
        """Return the label sets of documents with one label each."""
        import numpy as np

        return cls(np.asarray(codes, dtype=np.int64), np.arange(len(codes) + 1, dtype=np.int64))

    @classmethod
    def several(cls, labels: Sequence[Sequence[int]]) -> LabelSets:
        """Return the label sets of documents with any number of labels each."""
        import numpy as np

        lengths = np.fromiter((len(codes) for codes in labels), np.int64, len(labels))
        flat = np.fromiter((code for codes in labels for code in codes), np.int64, lengths.sum())
        return cls(flat, np.concatenate([[0], np.cumsum(lengths)]))

    @property
    def documents(self) -> Ints:
        """Int64 [n_pairs]: the document of each code."""
        import numpy as np

        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


def stratified_group_split(
    labels: LabelSets, groups: Ints, fractions: Sequence[float], seed: int
) -> tuple[Ints, ...]:
    """Return one sorted array of document indices per part; the first part is for training.

    `groups` int64 [n]: documents of one group stay together, -1 stands for no group.
    `fractions` are the shares of the parts and sum to 1. The training part gets every label at
    least once. A class of two or more documents (or groups, where there are any) is also in the
    last part; a class of three or more is in every part of three. Beyond that, each class is
    shared out by the fractions, after Sainte-Laguë (1910).

    >>> import numpy as np
    >>> labels, no_groups = LabelSets.single([0] * 6 + [1] * 4), np.full(10, -1)
    >>> train, test = stratified_group_split(labels, no_groups, (0.5, 0.5), seed=0)
    >>> [(int((part < 6).sum()), int((part >= 6).sum())) for part in (train, test)]
    [(3, 2), (3, 2)]
    """
    import numpy as np

    if len(labels) == 0:
        return tuple(np.empty(0, np.int64) for _ in fractions)
    random = np.random.default_rng(seed)
    unit_of = _units(groups)
    units = _join(labels, unit_of)
    sizes = np.bincount(unit_of)
    order = random.permutation(len(units))
    # Large units are pinned first, so that no large one is left for a small part.
    pinned = cover(units, order[np.argsort(-sizes[order], kind="stable")])
    parts = np.empty(len(units), np.int64)
    for members in _stratum_members(_strata(units), order):
        parts[members] = _share_out(sizes[members], pinned[members], fractions)
    return tuple(np.flatnonzero(parts[unit_of] == part) for part in range(len(fractions)))


def stratified_sample(labels: LabelSets, limit: int, seed: int) -> Ints:
    """Return the sorted indices of `limit` documents in which every label occurs.

    Beyond that, classes keep their shares. Raises ValueError where `limit` is below the number
    of labels that occur; with that many documents there is always such a sample.

    >>> labels = LabelSets.single([0] * 80 + [1] * 20)
    >>> sample = stratified_sample(labels, limit=10, seed=0)
    >>> int((sample < 80).sum()), int((sample >= 80).sum())
    (8, 2)
    """
    import numpy as np

    present = len(np.unique(labels.codes))
    if limit < present:
        raise ValueError(f"{limit} documents cannot hold {present} labels")
    if limit >= len(labels):
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    needed = cover(labels, order)
    rank = np.empty(len(labels))
    for members in _stratum_members(_strata(labels), order):
        members = members[np.argsort(~needed[members], kind="stable")]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    rank[needed] = -1.0
    return np.sort(order[np.argsort(rank[order], kind="stable")[:limit]])


def cover(labels: LabelSets, order: Ints) -> NDArray[np.bool_]:
    """Return bool [n]: a few documents, early ones in `order`, that have all labels together.

    >>> import numpy as np
    >>> cover(LabelSets.several([[0], [1, 0], [2, 1, 0]]), np.arange(3)).tolist()
    [False, False, True]
    """
    import numpy as np

    taken = np.zeros(len(labels), bool)
    position = np.empty(len(labels), np.int64)
    position[order] = np.arange(len(labels))
    documents = labels.documents
    by_label = np.lexsort((position[documents], labels.codes))
    codes, starts, counts = np.unique(labels.codes[by_label], return_index=True, return_counts=True)
    covered: set[int] = set()
    for index in np.lexsort((codes, counts)):
        if int(codes[index]) not in covered:
            first = documents[by_label[starts[index]]]
            taken[first] = True
            codes_of_first = labels.codes[labels.offsets[first] : labels.offsets[first + 1]]
            covered.update(codes_of_first.tolist())
    return taken


def _units(groups: Ints) -> Ints:
    """Return int64 [n]: the unit of each document; a unit is what must stay together."""
    import numpy as np

    grouped = groups != -1
    named, inverse = np.unique(groups[grouped], return_inverse=True)
    units = np.empty(len(groups), np.int64)
    units[grouped] = inverse
    units[~grouped] = len(named) + np.arange(np.count_nonzero(~grouped))
    return units


def _join(labels: LabelSets, unit_of: Ints) -> LabelSets:
    """Return the label sets of the units: those of their documents, joined."""
    import numpy as np

    owners = unit_of[labels.documents]
    lengths = np.bincount(owners, minlength=int(unit_of.max()) + 1)
    by_owner = np.argsort(owners, kind="stable")
    return LabelSets(labels.codes[by_owner], np.concatenate([[0], np.cumsum(lengths)]))


def _strata(labels: LabelSets) -> Ints:
    """Return int64 [n]: each document's rarest label, -1 where it has none."""
    import numpy as np

    codes, inverse, counts = np.unique(labels.codes, return_inverse=True, return_counts=True)
    rarity = np.empty(len(codes), np.int64)
    rarity[np.lexsort((codes, counts))] = np.arange(len(codes))
    rarest = np.full(len(labels), len(codes), np.int64)
    np.minimum.at(rarest, labels.documents, rarity[inverse])
    by_rarity = np.append(codes[np.argsort(rarity)], -1)
    return by_rarity[rarest].astype(np.int64)


def _stratum_members(strata: Ints, order: Ints) -> list[Ints]:
    """Return the members of each stratum, in the order of `order`."""
    import numpy as np

    sorted_members = order[np.argsort(strata[order], kind="stable")]
    bounds = np.flatnonzero(np.diff(strata[sorted_members])) + 1
    return list(np.split(sorted_members, bounds))


def _share_out(
    sizes: Ints, pinned: NDArray[np.bool_], fractions: Sequence[float]
) -> NDArray[np.int64]:
    """Return int64 [n_units]: the part of each unit of a stratum; pinned units go to part 0."""
    import numpy as np

    parts = np.full(len(sizes), -1, np.int64)
    parts[pinned] = 0
    if not pinned.any():
        parts[np.argmax(sizes)] = 0
    smallest_first = np.argsort(sizes, kind="stable")
    free = smallest_first[parts[smallest_first] == -1]
    for unit, part in zip(free, range(len(fractions) - 1, 0, -1), strict=False):
        parts[unit] = part
    quotas = [fraction * float(sizes.sum()) for fraction in fractions]
    held = [float(sizes[parts == part].sum()) for part in range(len(fractions))]
    for unit in np.flatnonzero(parts == -1).tolist():
        size = float(sizes[unit])
        room = [(quota - now - size / 2) / quota for quota, now in zip(quotas, held, strict=True)]
        parts[unit] = best = room.index(max(room))
        held[best] += size
    return parts
