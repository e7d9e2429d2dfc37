"""Text to tokens: control tokens are meant in text of ours, and never in data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from benchbench.kit.batching import tokenize_text
from benchbench_finetune.prompts import SEPARATORS

Tokens = tuple[int, ...]


def fixed_tokens(tokenizer: Any, text: str) -> list[int]:
    """Tokenize text of ours, in which control tokens are meant."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
    return ids


def data_tokens(tokenizer: Any, text: str) -> Tokens:
    """Tokenize data that follows other text; it cannot spell a control token.

    Tokenizers of the SentencePiece kind put a space before a text that stands alone. So the text
    is encoded behind an anchor, whose tokens are taken off again where they are still whole.
    """
    anchor = ":" if text[:1] in (" ", *SEPARATORS) else "\n"
    alone, start, joined = _tokenize(tokenizer, [text, anchor, anchor + text])
    return tuple(joined[len(start) :] if joined[: len(start)] == start else alone)


def texts_of(tokenizer: Any, sequences: Sequence[Tokens]) -> list[str]:
    """Return the text of every sequence of tokens, without the space around it."""
    texts = tokenizer.batch_decode(
        [list(tokens) for tokens in sequences], clean_up_tokenization_spaces=False
    )
    return [text.strip() for text in texts]


def _tokenize(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Tokenize data so that no text can spell a control token.

    Some vocabularies do not mark all their control tokens as special (Phi-3's </s>), so such a
    token is read in data too. A text with one is encoded in pieces, cut inside the token's name.
    """
    added = {id: str(token) for id, token in tokenizer.added_tokens_decoder.items()}
    control = {id: name for id, name in added.items() if re.fullmatch(r"<\S+>|\[\S+\]", name)}
    encoded = tokenize_text(tokenizer, texts)
    for index, ids in enumerate(encoded):
        if not control.keys().isdisjoint(ids):
            names = "|".join(
                f"(?<={re.escape(n[0])})(?={re.escape(n[1:])})" for n in control.values()
            )
            pieces = tokenize_text(tokenizer, re.split(names, texts[index]))
            encoded[index] = [token for piece in pieces for token in piece]
    return encoded
