"""What stands for a label in a prompt and in its answer: its text, or a code of one token."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchbench import GuardError, Skip
from benchbench_finetune.prompt_tokens import Tokens, data_tokens, texts_of
from benchbench_finetune.prompts import CODED, SEPARATORS


def verbalized(
    tokenizer: Any, texts: Sequence[str], lead: str, coded: bool
) -> tuple[tuple[Tokens, ...], tuple[str, ...]]:
    """Return the tokens that every label is written as behind `lead`, and the lines of a list."""
    written = written_tokens(tokenizer, texts, lead)
    if not coded:
        return written, tuple(texts)
    written = codes(tokenizer, written)
    return written, tuple(map(CODED.fill, texts_of(tokenizer, written), texts))


def written_tokens(tokenizer: Any, texts: Sequence[str], lead: str) -> tuple[Tokens, ...]:
    """Return the tokens of each text behind `lead`.

    Raises GuardError where the tokens do not say the text, or say two texts.
    """
    written = tuple(data_tokens(tokenizer, lead + text) for text in texts)
    for text, tokens in zip(texts, written, strict=True):
        decoded = tokenizer.decode(list(tokens), clean_up_tokenization_spaces=False)
        if _plain(decoded) != _plain(text):
            raise GuardError(f"the tokenizer turns the label text {text!r} into {decoded!r}")
    if len(set(written)) != len(written):
        text = next(texts[i] for i, tokens in enumerate(written) if tokens in written[:i])
        raise GuardError(f"the label text {text!r} has the same tokens as another label text")
    return written


def codes(tokenizer: Any, written: Sequence[Tokens]) -> tuple[Tokens, ...]:
    """Return one token per label, all different, given the tokens of the labels' texts.

    A label gets the first token of its text whose word is still free, so that what the model
    knows of the word helps; otherwise the next free word of the vocabulary. Only words and parts
    of words are taken, and no word twice, with and without a space. Raises Skip where the
    vocabulary has too few.
    """
    words = _word_tokens(tokenizer)
    distinct = len(set(words.values()))
    if distinct < len(written):
        raise Skip(
            f"verbalizer=code needs a token for each of {len(written)} labels, and the "
            f"vocabulary has {distinct} words and parts of words"
        )
    taken: set[str] = set()
    chosen: list[int | None] = []
    for tokens in written:
        own = (token for token in tokens if token in words and words[token] not in taken)
        chosen.append(next(own, None))
        taken.add(words.get(chosen[-1], ""))  # type: ignore[arg-type]
    others = _first_of_each(words, taken)
    return tuple((next(others) if token is None else token,) for token in chosen)


def _first_of_each(words: Mapping[int, str], taken: set[str]) -> Iterator[int]:
    """Yield the first token of every text that is not taken."""
    seen = set(taken)
    for token, text in words.items():
        if text not in seen:
            seen.add(text)
            yield token


def separator_tokens(tokenizer: Any, written: Sequence[Tokens]) -> Tokens:
    """Return the tokens of the first separator that no label contains; raise GuardError."""
    used = {token for tokens in written for token in tokens}
    for text in SEPARATORS:
        tokens = data_tokens(tokenizer, text)
        if not used & set(tokens):
            return tokens
    raise GuardError(f"the label texts use all of the separators {SEPARATORS}")


def _word_tokens(tokenizer: Any) -> dict[int, str]:
    """Return the tokens of letters or digits alone with their texts, in the order of their ids.

    Two tokens have the same text where one of them begins with a space.
    """
    special = tokenizer.added_tokens_decoder.keys()
    ids = [index for index in range(len(tokenizer)) if index not in special]
    names = tokenizer.convert_ids_to_tokens(ids)
    texts = texts_of(tokenizer, [(index,) for index in ids])
    return {
        index: text
        for index, name, text in zip(ids, names, texts, strict=True)
        if text.isalnum() and not re.fullmatch(r"<0x[0-9A-F]{2}>", name)  # spells a rare character
    }


def _plain(text: str) -> str:
    """Return text as a normalising tokenizer may change it: compatible forms, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
