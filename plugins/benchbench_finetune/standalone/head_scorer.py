"""Scores of texts: a language model or an encoder, pooled, with a head. `classifier.py` uses it.

It needs torch and transformers; peft where there is an adapter, and bitsandbytes where the base
model is held in 4 or 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoTokenizer

from .base_model import load_model, read_settings, token_ids


class HeadScorer:
    """A model, the head on it, and how a document is read.

    Where transformers has a class for the whole, that one computes the scores.
    """

    def __init__(self, folder: Path, base: str | None) -> None:
        self.settings = read_settings(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model, self.dtype = load_model(folder, base, self.settings)
        self.device = next(self.model.parameters()).device
        path = folder / "head.safetensors"
        self.head = _head(load_file(path)).to(self.device) if path.exists() else None

    @torch.no_grad()
    def logits(self, texts: Sequence[str]) -> Any:
        """Return float32 [texts, labels]."""
        documents = [self._document(ids) for ids in token_ids(self.tokenizer, texts, self.settings)]
        rows = torch.empty(len(texts), self.settings["labels"])
        for batch in _batches(documents, self.settings["batch_size"]):
            rows[batch] = self._scores([documents[row] for row in batch]).float().cpu()
        return rows.numpy()

    def _document(self, ids: list[int]) -> list[int]:
        """Return a document with the tokens that stand around it."""
        begin, end = self.settings["begin"], self.settings["end"]
        return [*begin, *ids, *end] if ids else list(self.settings["empty"])

    def _scores(self, documents: Sequence[list[int]]) -> Tensor:
        """Return [documents, labels]: the head on the pooled states of the last layer."""
        longest = max(map(len, documents))
        ids = torch.full((len(documents), longest), self.settings["pad"])
        mask = torch.zeros_like(ids)
        for row, document in enumerate(documents):
            ids[row, : len(document)] = torch.tensor(document)
            mask[row, : len(document)] = 1
        ids, mask = ids.to(self.device), mask.to(self.device)
        mixed = self.dtype != torch.float32
        with torch.autocast(self.device.type, self.dtype, enabled=mixed):
            computed = self.model(input_ids=ids, attention_mask=mask)
        if self.head is None:
            return computed.logits
        return self.head(
            _pooled(computed.last_hidden_state.float(), mask, self.settings["pooling"])
        )


def load_scorer(folder: Path, base: str | None) -> HeadScorer:
    """Return the scorer of a folder; `base` is where its base model is."""
    return HeadScorer(folder, base)


def _head(tensors: dict[str, Tensor]) -> nn.Sequential:
    """Return the head: a linear layer, or two with GELU between them."""
    layers: list[nn.Module] = []
    for place in sorted({int(name.partition(".")[0]) for name in tensors}):
        weight = tensors[f"{place}.weight"]
        layers += [nn.GELU()] if layers else []
        layers.append(nn.Linear(weight.shape[1], weight.shape[0]))
    head = nn.Sequential(*layers)
    head.load_state_dict(tensors)
    return head.eval()


def _pooled(states: Tensor, mask: Tensor, how: str) -> Tensor:
    """Return the vector of each document: of the last or first token, the mean or the maximum."""
    rows, kept = torch.arange(len(states), device=states.device), mask.bool()[:, :, None]
    if how == "last":
        return states[rows, mask.sum(dim=1) - 1]
    if how == "first":
        return states[:, 0]
    if how == "max":
        return states.masked_fill(~kept, float("-inf")).amax(dim=1)
    return states.masked_fill(~kept, 0.0).sum(dim=1) / kept.sum(dim=1)


def _batches(documents: Sequence[list[int]], size: int) -> Iterator[list[int]]:
    """Yield the places of documents of like length, the longest first."""
    order = sorted(range(len(documents)), key=lambda row: -len(documents[row]))
    yield from (order[start : start + size] for start in range(0, len(order), size))
