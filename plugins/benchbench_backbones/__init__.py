"""Causal LMs and encoders by name, by local folder and by hub id, whole or quantised."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import Backbone, hookimpl
from benchbench_backbones.cards import CARDS
from benchbench_backbones.pretrained_model import PretrainedModel, resolve


@hookimpl
def benchbench_backbones() -> Iterable[Backbone]:
    """Supply one backbone per card."""
    return [PretrainedModel.from_card(card) for card in CARDS]


@hookimpl
def benchbench_resolve_backbone(reference: str) -> Backbone | None:
    """Return the model of an existing folder or of a hub id `org/name`."""
    return resolve(reference)
