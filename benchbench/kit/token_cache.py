"""Token ids that cells share: kept by the tokenizer's content and the texts'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchbench.kit.cache import cached, digest_of, in_use

if TYPE_CHECKING:
    import pyarrow as pa

Tokenized = tuple[list[list[int]], list[bool]]
FEWEST_CHARACTERS = 20_000
"""Below, an entry costs more than it saves: a tokenizer takes 3 million characters a second."""
CHARACTERS_A_TOKEN = 4
"""Likewise below so many characters for every token of the vocabulary, all of which is hashed."""


def remembered(
    tokenizer: Any, texts: Sequence[str], max_tokens: int, tokenize: Callable[[], Tokenized]
) -> Tokenized:
    """Return what `tokenize` returns: at most `max_tokens` ids a text, and whether it had more.

    It is called where there is no cache, where the texts are too few to gain by it, and where
    the tokenizer's content cannot be told.
    """
    if not in_use() or not _pays(tokenizer, texts):
        return tokenize()
    content = tokenizer_digest(tokenizer)
    if content is None:
        return tokenize()
    key = {
        "tokenizer": content,
        "texts": digest_of(text.encode("utf-8", "surrogatepass") for text in texts),
        "max_tokens": max_tokens,
    }
    return _from_table(cached("tokens", key, lambda: _to_table(*tokenize())))


def tokenizer_digest(tokenizer: Any) -> str | None:
    """Return the sha256 of all that decides a tokenizer's ids; None where it cannot be told.

    It can of the tokenizers of transformers that have a serialisable state and no dropout.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    own_code = not type(tokenizer).__module__.startswith("transformers.")
    if own_code or backend is None or getattr(backend.model, "dropout", None):
        return None
    names = (type(tokenizer).__qualname__, repr(tokenizer.unk_token_id))
    return digest_of([backend.to_str().encode(), *(name.encode() for name in names)])


def _pays(tokenizer: Any, texts: Sequence[str]) -> bool:
    return sum(map(len, texts)) >= max(FEWEST_CHARACTERS, CHARACTERS_A_TOKEN * len(tokenizer))


def _to_table(rows: list[list[int]], shortened: list[bool]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {"ids": pa.array(rows, pa.list_(pa.int32())), "shortened": pa.array(shortened, pa.bool_())}
    )


def _from_table(table: pa.Table) -> Tokenized:
    """Return lists of Python numbers: by way of one flat list, not of a million scalars."""
    column = table["ids"].combine_chunks()
    ids: list[int] = column.flatten().to_numpy().tolist()
    ends = column.offsets.to_numpy().tolist()
    return [ids[start:end] for start, end in pairwise(ends)], table["shortened"].to_pylist()
