"""A hub of its own for these tests, with a cache of its own, and settled parameters."""

from __future__ import annotations

import pytest
from benchbench_hub.cards import CARDS
from benchbench_hub.hub_dataset import AnyHubDataset, NamedDataset

from benchbench.contract.parameters import resolve
from benchbench.kit.data import check_corpus
from tests.support.hub_server import serving


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The address of the hub, and its cache, are read when huggingface_hub is imported."""
    from huggingface_hub import constants

    with serving(tmp_path / "served") as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        files = f"{served.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        yield served


@pytest.fixture
def loaded(tmp_path):
    """Load a dataset by its name, check its corpus, and return both."""

    def load(name, **params):
        dataset = dataset_of(name)
        values = settled(dataset, **params)
        assert len(dataset.source(values)) == 64
        corpus = dataset.load(values, tmp_path / "out")
        check_corpus(corpus)
        assert corpus.kind == dataset.kind(values)
        return corpus

    return load


def dataset_of(name):
    cards = {card.name: card for card in CARDS}
    return AnyHubDataset() if name == "hub" else NamedDataset(cards[name])


def settled(dataset, **params):
    """Return a value for every parameter, as the core passes them."""
    values, faults = resolve(dataset.name, dataset.parameters, params)
    assert not faults
    return {**values, "split_seed": 0}
