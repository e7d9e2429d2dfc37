"""One document of a source, and what must hold for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchbench.contract import Kind, LoaderError


class Document(NamedTuple):
    """One document of a source.

    A single-label document has one label, which is also the main one. A multi-label document
    has its labels in the order of the source; `main` is one of them, or None where there is no
    main label. `group` is the family: documents of one non-empty group never straddle splits.

    >>> Document("EP1", "a pump with two valves", ("F04B",)).group
    ''
    """

    id: str
    text: str
    labels: tuple[str, ...]
    main: str | None = None
    group: str = ""
    weight: float = 1.0


def checked_labels(where: str, kind: Kind, document: Document) -> tuple[str, ...]:
    """Return the document's labels without repeats.

    Raises LoaderError, which begins with `where`, for a document that breaks its contract.

    >>> checked_labels("mine", "multi-label", Document("EP1", "a pump", ("F04B", "A01", "F04B")))
    ('F04B', 'A01')
    """
    fault = ""
    labels = document.labels
    if len(labels) > 1:
        labels = tuple(dict.fromkeys(labels))
    if not document.id:
        fault = "the id is empty"
    elif not document.text or document.text.isspace():
        fault = "the text is empty"
    elif not all(labels):
        fault = "a label is empty"
    elif kind == "single-label" and len(document.labels) != 1:
        fault = f"expected one label, found {len(document.labels)}"
    elif document.main is not None and document.main not in labels:
        fault = f"the main label '{document.main}' is not among its labels"
    elif not 0 <= document.weight < math.inf:
        fault = f"expected a finite weight of at least 0, found {document.weight}"
    if fault:
        raise LoaderError(f"{where}: row '{document.id}': {fault}; correct the source")
    return labels


def check_encodable(where: str, documents: Sequence[Document]) -> None:
    """Raise LoaderError for a document with text that cannot be written as UTF-8."""
    if _encodable(documents):
        return
    document = next(document for document in documents if not _encodable([document]))
    raise LoaderError(
        f"{where}: row '{document.id}': it holds half of a surrogate pair, which UTF-8 cannot "
        "write; correct the source"
    )


def _encodable(documents: Iterable[Document]) -> bool:
    """Say whether all text of the documents can be written as UTF-8."""
    try:
        for document in documents:
            "".join((document.id, document.text, document.group, *document.labels)).encode()
    except UnicodeEncodeError:
        return False
    return True
