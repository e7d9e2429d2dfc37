"""How batches are cut, and how the parts become smaller where memory runs out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.kit.training.micro_batches import (
    CPU_TOKENS,
    WHOLE,
    MicroBatches,
    auto_micro_tokens,
    padded_tokens,
)

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=20)


@given(LENGTHS, st.integers(1, 400))
def test_parts_hold_every_document_once_in_order_and_no_more_tokens_than_allowed(lengths, tokens):
    parts = [lengths[part] for part in MicroBatches(tokens).cut(lengths)]
    assert [length for part in parts for length in part] == lengths
    assert all(len(part) == 1 or padded_tokens(part) <= tokens for part in parts)


@given(LENGTHS, st.integers(1, 400))
def test_parts_are_as_few_as_can_be(lengths, tokens):
    """Counted anew: the fewest parts up to each document, over all places where the last begins."""
    fewest = [0]
    for end in range(1, len(lengths) + 1):
        starts = [
            start
            for start in range(end)
            if end - start == 1 or padded_tokens(lengths[start:end]) <= tokens
        ]
        fewest.append(min(fewest[start] + 1 for start in starts))
    assert len(MicroBatches(tokens).cut(lengths)) == fewest[-1]


def test_parts_of_equal_documents_are_of_like_size():
    parts = MicroBatches(110).cut([10] * 16)
    assert [part.stop - part.start for part in parts] == [8, 8]


def test_without_a_limit_a_batch_stays_whole():
    assert MicroBatches().cut([5, 900, 7]) == [slice(0, 3)]


@given(LENGTHS, st.integers(1, 2000))
def test_halving_ends_at_single_documents(lengths, tokens):
    micro = MicroBatches(tokens)
    part = lengths[micro.cut(lengths)[0]]
    rounds = 0
    while micro.halve(part):
        smaller = lengths[micro.cut(lengths)[0]]
        assert len(smaller) < len(part) or padded_tokens(smaller) <= micro.tokens
        part, rounds = smaller, rounds + 1
        assert rounds <= len(lengths)
    assert len(part) == 1
    assert micro.retries == rounds


@pytest.mark.parametrize(("device", "tokens"), [("cpu", CPU_TOKENS), ("cuda", WHOLE)])
def test_only_a_processor_has_a_limit_of_its_own(device, tokens):
    assert auto_micro_tokens(device) == tokens


@settings(max_examples=10)
@given(LENGTHS, st.integers(1, 5))
def test_what_memory_does_not_hold_is_computed_in_parts(lengths, most):
    def compute(rows):
        if len(rows) > most:
            raise MemoryError
        return [lengths[row] for row in rows]

    micro, rows = MicroBatches(), list(range(len(lengths)))[::-1]
    parts = list(micro.computed(rows, lengths, compute))
    assert [row for part, _ in parts for row in part] == rows
    assert all(result == [lengths[row] for row in part] for part, result in parts)
    retries = micro.retries
    assert bool(retries) == (len(lengths) > most)
    list(micro.computed(rows, lengths, compute))
    assert micro.retries == retries, "what was learnt of memory is forgotten"


def test_one_document_that_memory_does_not_hold_is_an_error():
    def compute(rows):
        raise RuntimeError("CUDA error: out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(MicroBatches().computed([0, 1, 2], [4, 4, 4], compute))
