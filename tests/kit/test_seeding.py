"""Streams of random numbers are independent, and one call seeds all libraries."""

from __future__ import annotations

import torch

from benchbench.kit.seeding import generator, seed_everything


def test_streams_of_random_numbers_do_not_meet():
    first = generator(0, "a", 1).random(4).tolist()
    assert first == generator(0, "a", 1).random(4).tolist()
    assert first != generator(0, "a", 2).random(4).tolist()
    assert first != generator(1, "a", 1).random(4).tolist()


def test_seeding_covers_all_three_libraries():
    import random

    import numpy as np

    def draw():
        seed_everything(7)
        return random.random(), np.random.random(), torch.rand(1).item()

    assert draw() == draw()
