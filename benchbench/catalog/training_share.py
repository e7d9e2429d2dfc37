"""A dataset of whose training documents only a share is used, for curves over their number.

It is a reference of its own: the name tells the share, and one more parameter asks for it. So its
cells have ids, keys and titles of their own, and those of the whole dataset stay what they are. No
plugin sees the parameter; `benchbench.planning` takes the sample.
"""

from __future__ import annotations

from benchbench.contract import Reference

TRAINING_SHARE = "training_share"
"""The parameter of a reference that asks for less than all training documents."""


def share_of(reference: Reference) -> float:
    """Return the share of the training documents that a dataset is used with; 1 for all.

    >>> share_of(Reference("claims", "claims"))
    1.0
    """
    share = reference.params.get(TRAINING_SHARE)
    return share if isinstance(share, float) and 0 < share < 1 else 1.0


def at_share(whole: Reference, share: float) -> Reference:
    """Return the reference of a dataset with a share of its training documents.

    >>> at_share(Reference("claims", "claims"), 0.125).name
    'claims · 12.5 % of training'
    >>> at_share(Reference("claims", "claims"), 1.0).name
    'claims'
    """
    if share == 1:
        return whole
    params = {**whole.params, TRAINING_SHARE: float(share)}
    return Reference(whole.use, f"{whole.name}{_suffix(share)}", params)


def whole_of(reference: Reference) -> Reference:
    """Return the reference of the dataset with all its training documents.

    >>> whole_of(at_share(Reference("claims", "mine"), 0.25))
    Reference(use='claims', name='mine', params={})
    """
    share = share_of(reference)
    if share == 1:
        return reference
    params = {name: value for name, value in reference.params.items() if name != TRAINING_SHARE}
    return Reference(reference.use, reference.name.removesuffix(_suffix(share)), params)


def _suffix(share: float) -> str:
    return f" · {share * 100:g} % of training"
