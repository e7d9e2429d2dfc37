"""Public datasets by name, and any dataset of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import API_VERSION, Dataset, Reference, hookimpl
from benchbench_hub.cards import CARDS
from benchbench_hub.hub_dataset import AnyHubDataset, NamedDataset

BENCHBENCH_API_VERSION = API_VERSION
PREFIX = "hub:"


@hookimpl
def benchbench_datasets() -> Iterable[Dataset]:
    """Supply one dataset per card, and `hub` for every other set."""
    return [*(NamedDataset(card) for card in CARDS), AnyHubDataset()]


@hookimpl
def benchbench_resolve_dataset(reference: str) -> Reference | None:
    """Return the dataset of `hub:ORG/NAME`, called by its hub id."""
    hub_id = reference.removeprefix(PREFIX)
    return None if hub_id == reference else Reference("hub", hub_id, {"path": hub_id})
