"""The loss of a classification head, for single-label and for multi-label data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench import Kind
from benchbench.kit.batching import to_device
from benchbench.kit.data import class_index, multi_hot

if TYPE_CHECKING:
    import datasets
    from torch import Tensor

LARGEST_LABEL_WEIGHT = 100.0
"""A label with one document in many thousands must not outweigh all others."""


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss of a split's documents: cross-entropy, or binary cross-entropy over all labels.

    - `targets`: int64 [documents], or float32 [documents, labels] of ones and zeros.
    - `weights`: float32 [documents], with mean 1.
    - `label_weights`: float32 [labels], the weight of a class, or of the positives of a label.
    """

    kind: Kind
    targets: Tensor
    weights: Tensor
    label_weights: Tensor

    @classmethod
    def build(
        cls, kind: Kind, split: datasets.Dataset, n_labels: int, label_weights: Tensor
    ) -> Objective:
        """Return the objective of the documents of `split`."""
        import torch

        device = label_weights.device
        single = kind == "single-label"
        targets = (class_index if single else multi_hot)(split["labels"], n_labels)
        weights = torch.tensor(split["weight"][:], dtype=torch.float32, device=device)
        return cls(
            kind, torch.tensor(targets, device=device), weights / weights.mean(), label_weights
        )

    def prior(self) -> Tensor:
        """Return float32 [labels]: the logits that fit best if all documents looked the same.

        Every class, or every label and its absence, is counted half a document too high, so that
        no logit is infinite.
        """
        import torch

        weights = self.weights.to(torch.float64)
        if self.kind == "single-label":
            counts = torch.zeros(len(self.label_weights), dtype=torch.float64)
            counts = counts.to(weights.device).index_add(0, self.targets, weights)
            return ((counts + 0.5) * self.label_weights).log().float()
        present = (self.targets.double() * weights[:, None]).sum(dim=0)
        absent = weights.sum() - present
        return ((present + 0.5) * self.label_weights / (absent + 0.5)).log().float()

    def loss(self, logits: Tensor, rows: Sequence[int]) -> Tensor:
        """Return the mean of the weighted losses of the documents `rows`."""
        import torch
        from torch.nn import functional

        index = to_device(torch.tensor(rows), self.weights.device)
        targets, weights = self.targets[index], self.weights[index]
        if self.kind == "single-label":
            losses = functional.cross_entropy(logits, targets, reduction="none")
            return (losses * weights * self.label_weights[targets]).mean()
        losses = functional.binary_cross_entropy_with_logits(
            logits, targets, pos_weight=self.label_weights, reduction="none"
        )
        return (losses.mean(dim=1) * weights).mean()


def label_weights(kind: Kind, train: datasets.Dataset, n_labels: int, how: str) -> Tensor:
    """Return float32 [n_labels]: ones, or with how="balanced" weights that balance the labels.

    The weight of a class is documents / (labels * its documents). The positives of a label in
    multi-label data get the weight of its negatives. No weight exceeds `LARGEST_LABEL_WEIGHT`.
    """
    import torch

    if how == "none":
        return torch.ones(n_labels)
    positives = torch.tensor(multi_hot(train["labels"], n_labels)).sum(dim=0).clamp(min=1)
    documents = float(len(train))
    single = kind == "single-label"
    weights = documents / (n_labels * positives) if single else documents / positives - 1
    return weights.clamp(max=LARGEST_LABEL_WEIGHT)
