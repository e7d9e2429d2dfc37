"""What a pass sees of earlier tokens is there for one layer at a time."""

from __future__ import annotations

import weakref

import pytest

from benchbench.kit.scoring.cached_prompts import CachedPrompts, states_after_cache
from benchbench.kit.scoring.passing_cache import passing_cache
from tests.support.models import load_model, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(write_model(tmp_path_factory.mktemp("m") / "llama", ["some text"])).model


def test_a_layer_puts_the_earlier_before_the_new_and_keeps_the_new_alone():
    import torch

    first, second, new = (torch.full((1, 2, 1, 4), float(value)) for value in (1, 2, 3))
    cache = passing_cache([lambda: [(first, -first), (second, -second)]], 2)
    assert cache.get_seq_length() == 2
    keys, values = cache.update(new, -new, 0)
    assert keys[0, 0, :, 0].tolist() == [1, 2, 3]
    assert values[0, 0, :, 0].tolist() == [-1, -2, -3]
    assert torch.equal(cache.layers[0].keys, new)
    assert cache.get_seq_length() == 2


def test_tokens_behind_it_are_those_of_the_whole_text_and_no_layer_s_columns_outlive_it(model):
    import torch

    prompt, more = [0, 40, 41, 42, 43], [44, 45]
    alive: list[weakref.ref] = []
    most = 0

    def earlier(layer):
        nonlocal most
        most = max(most, sum(reference() is not None for reference in alive))
        pieces = tuple(tensor.clone() for tensor in layer)
        alive.extend(map(weakref.ref, pieces))
        return [pieces]

    with torch.no_grad():
        cached = CachedPrompts.of(model, [prompt], 0)
        layers = [lambda layer=layer: earlier(layer) for layer in cached.layers]
        assert len(layers) > 1
        cache = passing_cache(layers, len(prompt))
        seen = torch.ones(1, 2, 7, dtype=torch.bool).tril(5)
        positions = torch.tensor([[5, 6]])
        states = states_after_cache(model, cache, torch.tensor([more]), positions, seen)
        whole = model.base_model(torch.tensor([prompt + more])).last_hidden_state[:, 5:]
    assert (states - whole).abs().max() < 1e-5
    assert most == 0
