"""From documents to token ids, and from token ids to batches: the same for every method."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Literal

from benchbench.kit.seeding import generator
from benchbench.kit.token_cache import cached_tokens
from benchbench.machine import stage

if TYPE_CHECKING:
    from torch import Tensor

CONTROL_TOKEN = re.compile(r"<.*>|\[.*\]", re.DOTALL)
"""What control tokens look like. Added tokens of another look, e.g. runs of spaces, are text."""
WINDOW = 50
"""How many batches are sorted by length together: more saves padding, fewer are more random."""


def length_bucketed_batches(
    lengths: Sequence[int], batch_size: int, seed: int, epoch: int
) -> list[list[int]]:
    """Return the batches of an epoch as indices: random, with documents of like length together.

    1. Shuffle the documents.
    2. Sort them by length inside windows of `WINDOW` batches, and cut the windows into batches.
    3. Shuffle the batches.
    4. In the first epoch (0), put the batch with the most padded tokens to the front, so that
       memory runs out in the first step, if ever.

    Every index occurs once. Only the lengths, the seed and the epoch decide the order.

    >>> length_bucketed_batches([5, 90, 7, 80], batch_size=2, seed=0, epoch=0)
    [[3, 1], [0, 2]]
    """
    random = generator(seed, "batches", epoch)
    order = random.permutation(len(lengths)).tolist()
    width = batch_size * WINDOW
    batches: list[list[int]] = []
    for start in range(0, len(order), width):
        window = sorted(order[start : start + width], key=lambda index: lengths[index])
        batches += _cut(window, batch_size)
    shuffled = [batches[index] for index in random.permutation(len(batches)).tolist()]
    if epoch == 0 and shuffled:
        largest = max(
            range(len(shuffled)),
            key=lambda index: len(shuffled[index]) * max(lengths[row] for row in shuffled[index]),
        )
        shuffled.insert(0, shuffled.pop(largest))
    return shuffled


def prediction_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Return batches of indices, the longest documents first, so that memory runs out early.

    >>> prediction_batches([5, 90, 7], batch_size=2)
    [[1, 2], [0]]
    """
    return _cut(sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)), batch_size)


def pad(
    sequences: Sequence[Sequence[int]], pad_id: int, side: Literal["left", "right"] = "right"
) -> tuple[Tensor, Tensor]:
    """Return (input_ids, attention_mask), both int64 [batch, longest].

    Read the mask to know what is padding: `pad_id` may be a token that texts contain.

    >>> ids, mask = pad([[5, 6], [7]], pad_id=0)
    >>> ids.tolist(), mask.tolist()
    ([[5, 6], [7, 0]], [[1, 1], [1, 0]])
    """
    import torch

    longest = max(map(len, sequences))
    input_ids = torch.full((len(sequences), longest), pad_id, dtype=torch.long)
    attention_mask = torch.zeros_like(input_ids)
    for row, sequence in enumerate(sequences):
        start = longest - len(sequence) if side == "left" else 0
        input_ids[row, start : start + len(sequence)] = torch.tensor(sequence)
        attention_mask[row, start : start + len(sequence)] = 1
    return input_ids, attention_mask


def to_device(tensor: Tensor, device: Any) -> Tensor:
    """Return a tensor on a device, without waiting for work that the device has.

    Only memory that is pinned can be copied to a GPU while it computes.
    """
    if tensor.device.type == "cpu" and str(device).startswith("cuda"):
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def batches_digest(batches: Sequence[Sequence[int]]) -> str:
    """Return the sha256 of the first three batches, which is equal where seeds are equal."""
    first = [[int(index) for index in batch] for batch in batches[:3]]
    return hashlib.sha256(json.dumps(first).encode()).hexdigest()


def leading_tokens(tokenizer: Any) -> list[int]:
    """Return [BOS] where the tokenizer begins every text with it, otherwise []."""
    bos = tokenizer.bos_token_id
    ids: list[int] = tokenizer("a")["input_ids"]
    return [bos] if bos is not None and ids[:1] == [bos] else []


def framing_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the tokens before and after every document: [CLS] and [SEP] in an encoder, or BOS.

    Nothing follows the document of a causal LM: its last token is what is pooled.
    """
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    ids: list[int] = tokenizer("a")["input_ids"]
    if start is not None and ids[:1] == [start]:
        return [start], [end] if end is not None and ids[-1] == end else []
    return leading_tokens(tokenizer), []


def tokenize_text(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the ids of `texts` with nothing added; no text can spell a control token.

    A text with "</s>" in it gets the tokens of these four characters. Tokenizers do that for the
    tokens that they mark as special; some, e.g. Phi-3's, do not mark all of theirs.
    """
    if not texts:
        return []
    control = control_tokens(tokenizer)
    encoded = tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)
    rows: list[list[int]] = encoded["input_ids"]
    return [
        ids if control.keys().isdisjoint(ids) else _spelled_out(tokenizer, text, control.values())
        for ids, text in zip(rows, texts, strict=True)
    ]


def tokenize_documents(
    tokenizer: Any, texts: Sequence[str], max_tokens: int, chunk: int = 512
) -> tuple[list[list[int]], list[bool]]:
    """Return (the ids of every document, whether it was shortened).

    A document keeps its first `max_tokens` tokens, and `framing_tokens` come on top. An empty
    document is the framing tokens alone; without any it is EOS, or 0.
    """
    begin, end = framing_tokens(tokenizer)
    empty = [*begin, *end] or [tokenizer.eos_token_id or 0]
    rows, truncated = shortened_texts(tokenizer, texts, max_tokens, chunk)
    return [[*begin, *ids, *end] if ids else list(empty) for ids in rows], truncated


def shortened_texts(
    tokenizer: Any, texts: Sequence[str], max_tokens: int, chunk: int = 512
) -> tuple[list[list[int]], list[bool]]:
    """Return (the first `max_tokens` ids of every text, whether it had more).

    The ids are those of `tokenize_text`. Where there is a cache, cells share them.
    """

    def tokenize() -> tuple[list[list[int]], list[bool]]:
        rows: list[list[int]] = []
        shortened: list[bool] = []
        for start in range(0, len(texts), chunk):  # so that long documents take little memory
            for ids in tokenize_text(tokenizer, texts[start : start + chunk]):
                rows.append(ids[:max_tokens])
                shortened.append(len(ids) > max_tokens)
        return rows, shortened

    with stage("tokenize"):
        return cached_tokens(tokenizer, texts, max_tokens, tokenize)


def control_tokens(tokenizer: Any) -> dict[int, str]:
    """Return the added tokens that look like control tokens, by id, except unk, which is text."""
    return {
        index: token
        for token, index in tokenizer.get_added_vocab().items()
        if CONTROL_TOKEN.fullmatch(token) and index != tokenizer.unk_token_id
    }


def _spelled_out(tokenizer: Any, text: str, tokens: Iterable[str]) -> list[int]:
    """Return the ids of `text`, cut inside every one of `tokens` after its first character."""
    longest_first = sorted(tokens, key=len, reverse=True)
    spelled = re.compile("|".join(map(re.escape, longest_first)))
    cuts = [match.start() + 1 for match in spelled.finditer(text)]
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    return list(chain.from_iterable(tokenize_text(tokenizer, pieces)))


def _cut(order: Sequence[int], size: int) -> list[list[int]]:
    """Return `order` in consecutive pieces of at most `size`."""
    return [list(order[start : start + size]) for start in range(0, len(order), size)]
