"""A pad token that is safe, chosen without adding one."""

from __future__ import annotations

import re
from typing import Any

PAD_WORD = re.compile(r"(?<![a-z])pad(?![a-z])")
RESERVED_WORD = re.compile(r"reserved|unused|^\[control_")


def choose_pad(tokenizer: Any, vocabulary: int) -> dict[str, Any]:
    """Choose the pad id without adding a token; return {"pad_token_id", "pad_source"}.

    It is the first of these that exists: the tokenizer's own pad token, a reserved special
    token, unk, eos, 0. `vocabulary` is the number of embeddings: an id beyond it has none. The
    pad id only decides embeddings of positions that the attention mask hides.
    """
    specials = sorted(
        (index, token)
        for token, index in tokenizer.get_added_vocab().items()
        if index < vocabulary and token not in (tokenizer.bos_token, tokenizer.eos_token)
    )
    reserve = [index for index, token in specials if PAD_WORD.search(token.lower())]
    reserve += [index for index, token in specials if RESERVED_WORD.search(token.lower())]
    candidates = {
        "pad": tokenizer.pad_token_id,
        "reserved": reserve[0] if reserve else None,
        "unk": tokenizer.unk_token_id,
        "eos": tokenizer.eos_token_id,
        "zero": 0,
    }
    for source, index in candidates.items():
        if index is not None and index < vocabulary:
            if source != "zero":
                tokenizer.pad_token = tokenizer.convert_ids_to_tokens(index)
            return {"pad_token_id": index, "pad_source": source}
    raise ValueError("the model has no embeddings")
