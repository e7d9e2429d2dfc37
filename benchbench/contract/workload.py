"""What a plan needs to estimate the cost of a cell: a model's sizes and a method's work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchbench.contract.corpus import Kind, Split

Trains = Literal["adapters", "everything", "nothing"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a transformer.

    `heads` counts query heads and `key_heads` key and value heads; each is `head_width` wide.
    `gated` says whether the MLPs have three matrices (gate, up, down) or two, and `tied` whether
    the output head uses the matrix of the embedding.
    """

    layers: int
    width: int
    inner: int
    heads: int
    key_heads: int
    head_width: int
    vocabulary: int
    tied: bool = True
    gated: bool = True
    output_head: bool = True

    @property
    def linear_parameters(self) -> int:
        """The number of weights in the layers' matrices, which are quantised and multiplied."""
        attention = self.width * self.head_width * (2 * self.heads + 2 * self.key_heads)
        return self.layers * (attention + self.width * self.inner * (3 if self.gated else 2))

    @property
    def embedding_parameters(self) -> int:
        """The number of weights of the embedding, and of the output head where it is separate."""
        separate = self.output_head and not self.tied
        return self.vocabulary * self.width * (2 if separate else 1)

    @property
    def parameters(self) -> int:
        """The number of weights without norms and biases."""
        return self.linear_parameters + self.embedding_parameters


@dataclass(frozen=True, slots=True)
class Amount:
    """How much data there is: documents per split, mean characters per document, labels."""

    kind: Kind
    documents: Mapping[Split, int]
    characters: float
    labels: int


@dataclass(frozen=True, slots=True)
class Workload:
    """What a method does with a model.

    `longest` is the number of tokens in the longest training sequence. `training_tokens` and
    `prediction_tokens` are the mean numbers of tokens computed per document. `supervised` is the
    number of positions per document at which the output head runs. `plain_tokens` takes the place
    of `prediction_tokens` where a model takes no token tree; 0: the method needs none.
    """

    trains: Trains
    longest: int
    training_tokens: float
    prediction_tokens: float
    epochs: float = 0.0
    batch: int = 1
    eval_batch: int = 1
    rank: int = 0
    supervised: int = 0
    checkpointing: bool | str = False
    plain_tokens: float = 0.0


CHARACTERS_PER_TOKEN = 4.0
"""A rough value for English text and the vocabularies of today's models."""


def document_tokens(amount: Amount, most: int) -> float:
    """Return the mean number of tokens per document, at most `most`."""
    return max(1.0, min(float(most), amount.characters / CHARACTERS_PER_TOKEN))
