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
    """How much data there is: documents per split, mean characters per document, labels.

    `longest` counts the characters of the longest document, 0 where that is not known.
    `label_tokens` is about the mean number of tokens in the text of a label. `label_nodes` is about
    that of all labels where what several begin with counts once, 0 where it is not known.
    """

    kind: Kind
    documents: Mapping[Split, int]
    characters: float
    labels: int
    longest: int = 0
    label_tokens: float = 4.0
    label_nodes: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """What a method does with a model.

    - `longest` is the number of tokens in the longest training sequence. `training_tokens` and
      `prediction_tokens` are the mean numbers of tokens computed per document.
    - `shared_tokens` begin every document and are in none of these numbers: they are computed
      once per batch in training, and once per run in prediction.
    - `supervised` and `scored` are the numbers of positions per document at which the output head
      runs, in training and in prediction. `branch_tokens` are those of `prediction_tokens` that
      stand behind a document whose keys and values are kept.
    - `plain_tokens` takes the place of `prediction_tokens` where a model takes no token tree; 0:
      the method needs none.
    - `micro_tokens` is the most tokens that a training step computes at once, None where that is
      the whole batch, and "auto" where the device decides.
    - `adapter` names the kind of adapters, and `adapter_layers` says how many layers have them,
      from the last one down. The layers below are computed once per document, unless every epoch
      has other sequences (`redrawn`).
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
    shared_tokens: float = 0.0
    scored: int = 0
    branch_tokens: float = 0.0
    micro_tokens: int | str | None = None
    adapter: str = "lora"
    adapter_layers: int | str = "all"
    redrawn: bool = False


CHARACTERS_PER_TOKEN = 4.5
"""A rough value for English text. Four vocabularies have 4.1 to 4.3 for questions, and 4.7
to 5.5 for patents."""


def document_tokens(amount: Amount, most: int) -> float:
    """Return the mean number of tokens per document, at most `most`."""
    return max(1.0, min(float(most), amount.characters / CHARACTERS_PER_TOKEN))


def longest_document(amount: Amount, most: int) -> int:
    """Return the number of tokens in the longest document, `most` where that is not known."""
    if not amount.longest:
        return most
    return max(1, min(most, round(amount.longest / CHARACTERS_PER_TOKEN)))
