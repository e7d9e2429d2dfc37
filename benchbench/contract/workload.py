"""What a plan needs to know to say what a cell will cost: a model's shape, a method's work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchbench.contract.corpus import Kind, Split

Trains = Literal["adapters", "everything", "nothing"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a transformer. `heads` and `key_heads` are of `head_width` each.

    `gated` says whether its MLPs have three matrices (gate, up, down) or two; `tied` whether the
    output head is the embedding.
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
        """Count the weights of the layers' matrices: those that are quantised and computed with."""
        attention = self.width * self.head_width * (2 * self.heads + 2 * self.key_heads)
        return self.layers * (attention + self.width * self.inner * (3 if self.gated else 2))

    @property
    def embedding_parameters(self) -> int:
        """Count the weights of the embedding, and of the output head where it is another."""
        separate = self.output_head and not self.tied
        return self.vocabulary * self.width * (2 if separate else 1)

    @property
    def parameters(self) -> int:
        """Count the weights, norms and biases apart."""
        return self.linear_parameters + self.embedding_parameters


@dataclass(frozen=True, slots=True)
class Amount:
    """How much data there is: documents by split, their mean length, and the labels."""

    kind: Kind
    documents: Mapping[Split, int]
    characters: float
    labels: int


@dataclass(frozen=True, slots=True)
class Workload:
    """What a method does with a model.

    `longest` are the most tokens of a sequence in training; `training_tokens` and
    `prediction_tokens` are what a document costs on average; `supervised` counts the positions
    of a document at which the output head runs.
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


CHARACTERS_A_TOKEN = 4.0
"""Of English text under the vocabularies of today's models, roughly."""


def document_tokens(amount: Amount, most: int) -> float:
    """Return how many tokens a document has on average, cut to `most`."""
    return max(1.0, min(float(most), amount.characters / CHARACTERS_A_TOKEN))
