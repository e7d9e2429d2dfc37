"""A document's vector from a language model, for a head or anything else to be put on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchbench import LoadedModel
from benchbench.kit.batching import framing_tokens, pad, to_device, tokenize_documents
from benchbench.kit.known_states import inputs_of
from benchbench.kit.pooling import last_token, pool, position_ids
from benchbench.kit.scoring import hidden_states_at
from benchbench.kit.training import autocast

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class DocumentEmbedder:
    """Turns token ids into one vector per document: the transformer without its output head.

    `pooling` is a name of `benchbench.kit.pooling.POOLINGS`. `side` is where batches are padded;
    the vectors do not depend on it.
    """

    loaded: LoadedModel
    pooling: str
    document_tokens: int
    side: Literal["left", "right"] = "right"

    @property
    def causal(self) -> bool:
        """Whether the model reads from left to right; encoders count their positions themselves."""
        return bool(self.loaded.facts.get("kind", "causal-lm") == "causal-lm")

    @property
    def longest(self) -> int:
        """The tokens that a document keeps, all within the context."""
        around = sum(map(len, framing_tokens(self.loaded.tokenizer)))
        context = self.loaded.facts["context"] or self.document_tokens + around
        return int(min(self.document_tokens, context - around))

    def tokenize(self, texts: Sequence[str]) -> tuple[list[list[int]], list[bool]]:
        """Return (the ids of every document, whether it was shortened), all within the context."""
        return tokenize_documents(self.loaded.tokenizer, texts, self.longest)

    def batch(self, documents: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return (input_ids, attention_mask), both int64 [documents, longest], on its device."""
        device = self.loaded.facts["device"]
        ids, mask = pad(documents, self.loaded.facts["pad_token_id"], self.side)
        return to_device(ids, device), to_device(mask, device)

    def embed(self, documents: Sequence[Sequence[int]]) -> Tensor:
        """Return float32 [documents, width]; gradients flow where the model is in training."""
        ids, mask = self.batch(documents)
        inputs = {**self._given(documents, ids), **self._seen(mask)}
        with autocast(self.loaded):
            if self.causal and self.pooling == "last":  # no other state is computed
                columns = last_token(mask)[:, None]
                return hidden_states_at(self.loaded.model, columns, **inputs)[:, 0].float()
            hidden = self.loaded.model.base_model(**inputs).last_hidden_state
        return pool(hidden, mask, self.pooling)

    def _given(self, documents: Sequence[Sequence[int]], ids: Tensor) -> dict[str, Any]:
        """Return the token ids, or the states of frozen layers where those are known."""
        plain = self.side == "left" or not self.causal
        return {"input_ids": ids} if plain else inputs_of(self.loaded.model, documents, ids)

    def _seen(self, mask: Tensor) -> dict[str, Any]:
        """Return what tells a model which tokens are real, and where they stand.

        Behind a document padding needs no mask in a causal model: no real token sees it. Attention
        without a mask takes less time and memory.
        """
        if not self.causal:
            return {"attention_mask": mask}
        if self.side == "right":
            return {"attention_mask": None, "use_cache": False}
        return {"attention_mask": mask, "position_ids": position_ids(mask), "use_cache": False}
