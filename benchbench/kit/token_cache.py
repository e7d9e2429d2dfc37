"""Token ids that cells share; the key is the content of the tokenizer and of the texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchbench.kit.cache import cached, digest_of, is_enabled

if TYPE_CHECKING:
    import pyarrow as pa

Tokenized = tuple[list[list[int]], list[bool]]
"""Ids per text, and whether the text was shortened."""
FEWEST_CHARACTERS = 20_000
"""For less text an entry costs more than it saves: a tokenizer reads 3 million characters per
second."""
CHARACTERS_PER_TOKEN = 4
"""The same holds for fewer characters per token of the vocabulary, which is hashed as a whole."""


def cached_tokens(
    tokenizer: Any, texts: Sequence[str], max_tokens: int, tokenize: Callable[[], Tokenized]
) -> Tokenized:
    """Return what `tokenize` returns: up to `max_tokens` ids per text, and whether it had more.

    `tokenize` is called where there is no cache, where the texts are too few to gain from it, or
    where the tokenizer's content cannot be known.
    """
    if not is_enabled() or not _pays(tokenizer, texts):
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
    """Return the sha256 of everything that decides a tokenizer's ids; None where it is unknown.

    It is known for tokenizers of transformers that have a serialisable state and no dropout.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    own_code = not type(tokenizer).__module__.startswith("transformers.")
    if own_code or backend is None or getattr(backend.model, "dropout", None):
        return None
    names = (type(tokenizer).__qualname__, repr(tokenizer.unk_token_id))
    return digest_of([backend.to_str().encode(), *(name.encode() for name in names)])


def _pays(tokenizer: Any, texts: Sequence[str]) -> bool:
    return sum(map(len, texts)) >= max(FEWEST_CHARACTERS, CHARACTERS_PER_TOKEN * len(tokenizer))


def _to_table(rows: list[list[int]], shortened: list[bool]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {"ids": pa.array(rows, pa.list_(pa.int32())), "shortened": pa.array(shortened, pa.bool_())}
    )


def _from_table(table: pa.Table) -> Tokenized:
    """Return lists of Python numbers, cut from one flat list: much faster than list by list."""
    column = table["ids"].combine_chunks()
    ids: list[int] = column.flatten().to_numpy().tolist()
    ends = column.offsets.to_numpy().tolist()
    return [ids[start:end] for start, end in pairwise(ends)], table["shortened"].to_pylist()
