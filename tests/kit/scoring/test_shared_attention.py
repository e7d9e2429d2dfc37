"""Attention behind a shared beginning is attention to the beginning and the row together."""

from __future__ import annotations

import pytest
import torch

from benchbench.kit.scoring.shared_attention import attend_behind

ROWS, HEADS, KEY_HEADS, TOKENS, BEFORE, WIDTH = 3, 6, 2, 5, 7, 8


def joined(query, key, value, before_keys, before_values, mask, scale):
    """Return the same by one attention over repeated keys, written out."""
    groups = HEADS // KEY_HEADS
    keys = torch.cat([before_keys.expand(ROWS, -1, -1, -1), key], 2).repeat_interleave(groups, 1)
    values = torch.cat([before_values.expand(ROWS, -1, -1, -1), value], 2)
    own = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril() if mask is None else mask
    own = own.expand(ROWS, 1, query.shape[2], TOKENS)
    seen = torch.cat([torch.ones(ROWS, 1, query.shape[2], BEFORE, dtype=torch.bool), own], -1)
    scores = (query @ keys.transpose(-1, -2) * scale).masked_fill(~seen, -torch.inf)
    return scores.softmax(-1) @ values.repeat_interleave(groups, 1)


def tensors(queries=TOKENS):
    random = torch.Generator().manual_seed(0)

    def made(*shape):
        return torch.randn(*shape, generator=random, requires_grad=True)

    own = (ROWS, KEY_HEADS, TOKENS, WIDTH)
    before = (1, KEY_HEADS, BEFORE, WIDTH)
    parts = [made(ROWS, HEADS, queries, WIDTH), made(*own), made(*own), made(*before)]
    return [*parts, made(*before)]


def tree():
    """Return a mask in which a token sees itself and some others, as in a tree."""
    random = torch.Generator().manual_seed(1)
    some = torch.rand(ROWS, 1, TOKENS, TOKENS, generator=random) > 0.5
    return some | torch.eye(TOKENS, dtype=torch.bool)


@pytest.mark.parametrize("mask", [None, tree()], ids=["causal", "tree"])
def test_values_and_all_gradients_are_those_of_one_attention(mask):
    parts = tensors()
    attended, expected = attend_behind(*parts, mask, 0.3), joined(*parts, mask, 0.3)
    assert (attended - expected).abs().max() < 1e-5
    weights = torch.randn_like(attended)
    gradients = torch.autograd.grad((attended * weights).sum(), parts)
    wanted = torch.autograd.grad((expected * weights).sum(), parts)
    for found, right in zip(gradients, wanted, strict=True):
        assert found.shape == right.shape
        assert (found - right).abs().max() < 1e-5


def test_a_single_query_without_a_mask_sees_its_whole_row():
    parts = tensors(queries=1)
    everything = torch.ones(1, 1, 1, TOKENS, dtype=torch.bool)
    attended, expected = attend_behind(*parts, None, 0.3), joined(*parts, everything, 0.3)
    assert (attended - expected).abs().max() < 1e-5


def test_a_mask_of_numbers_is_added_to_the_scores():
    parts, mask = tensors(), tree()
    added = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
    assert torch.equal(attend_behind(*parts, mask, 0.3), attend_behind(*parts, added, 0.3))


def test_sixteen_bits_are_within_their_rounding():
    parts = [part.detach() for part in tensors()]
    narrow = attend_behind(*(part.bfloat16() for part in parts), None, 0.3)
    assert narrow.dtype == torch.bfloat16
    assert (narrow.float() - joined(*parts, None, 0.3)).abs().max() < 0.05


def test_the_beginning_is_kept_once_for_the_backward_pass():
    """Nothing of the size rows x beginning is saved: neither its keys per row nor any weights."""
    saved = []
    parts = tensors()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        attend_behind(*parts, None, 0.3)
    assert max(tensor.numel() for tensor in saved) <= ROWS * HEADS * TOKENS * WIDTH
