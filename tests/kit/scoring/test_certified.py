"""What is left out is bounded, and what is proven is so."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbench.kit.scoring import branch_reader, certified
from benchbench.kit.scoring.cached_prompts import CachedPrompts
from benchbench.kit.scoring.certified import PROVEN_BEST, TOLERANCE, certified_scores
from benchbench.kit.scoring.plain_scoring import plain_scores
from benchbench.kit.scoring.radix import RadixTrie
from benchbench.kit.scoring.trie import Continuation, TokenTrie
from tests.support.models import load_model, write_model

PROMPTS = [[0, 40, 41, 42, 43, 44, 45], [0, 50], [0, 60, 61, 62, 63]]
END = 1
ANSWERS = st.lists(
    st.lists(st.integers(2, 9), min_size=1, max_size=5).map(lambda tokens: (*tokens, END)),
    min_size=1, max_size=40, unique=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model that is sure of itself, so that there is something to leave out."""
    model = load_model(write_model(tmp_path_factory.mktemp("m") / "llama", ["some text"])).model
    model.lm_head.weight.data *= 25
    return model


def both(model, answers):
    """Return (certified, complete) scores of all prompts."""
    import torch

    with torch.no_grad():
        prompts = CachedPrompts.of(model, PROMPTS, 0)
        bounded = certified_scores(prompts, RadixTrie.build(answers))
        trie = TokenTrie.build([Continuation((), answer) for answer in answers])
        return bounded, plain_scores(model, PROMPTS, trie, 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANSWERS)
def test_what_is_found_is_exact_and_what_is_left_out_is_bounded(model, answers):
    bounded, complete = both(model, answers)
    for row, (scores, exact) in enumerate(zip(bounded.scores, complete, strict=True)):
        assert bounded.left_out[row] <= TOLERANCE
        near = (scores - exact).abs() < 1e-3 + 1e-5 * exact.abs()
        assert int(near.sum()) >= bounded.exact[row] >= min(PROVEN_BEST, len(answers))
        weights, truth = scores.double().exp(), exact.double().exp()
        assert abs(float(weights.sum() - truth.sum())) <= TOLERANCE * float(truth.sum()) * 1.01
        best, expected = scores.sort(descending=True), exact.sort(descending=True)
        for place in range(min(PROVEN_BEST, len(answers))):
            assert float(best.values[place]) == pytest.approx(
                float(expected.values[place]), abs=1e-3
            )
        second = expected.values[1] if len(answers) > 1 else -math.inf
        if expected.values[0] - second > 1e-3:  # no tie
            assert best.indices[0] == expected.indices[0]


def test_unlikely_labels_are_left_out_and_share_their_bound(model):
    answers = [(first, second, third, END) for first in range(2, 8) for second in range(2, 6)
               for third in range(2, 6)]  # fmt: skip
    bounded, complete = both(model, answers)
    assert all(PROVEN_BEST <= count < len(answers) / 2 for count in bounded.exact)
    exact = (bounded.scores - complete).abs() < 1e-3
    for row, count in enumerate(bounded.exact):
        left = bounded.scores[row][~exact[row]].double().exp().sum()
        assert float(left) == pytest.approx(
            bounded.left_out[row] * float(bounded.scores[row][exact[row]].double().exp().sum()),
            rel=0.01,
        )
        assert count == int(exact[row].sum())


def test_a_search_that_ends_too_early_would_be_seen(model, monkeypatch):
    monkeypatch.setattr(certified, "TOLERANCE", 0.5)
    monkeypatch.setattr(certified, "PROVEN_BEST", 1)
    answers = [(first, second, END) for first in range(2, 8) for second in range(2, 8)]
    bounded, complete = both(model, answers)
    weights, truth = bounded.scores.double().exp(), complete.double().exp()
    off = (weights.sum(1) - truth.sum(1)).abs() / truth.sum(1)
    assert off.max() > TOLERANCE


def test_all_labels_are_found_where_there_are_no_more_than_are_proven(model):
    bounded, complete = both(model, [(5, END), (6, 7, END), (8, END)])
    assert bounded.exact == [3, 3, 3]
    assert bounded.left_out == [0.0, 0.0, 0.0]
    assert (bounded.scores - complete).abs().max() < 1e-4


def test_rows_of_any_size_and_in_any_company_give_the_same(model, monkeypatch):
    answers = [(first, second, third, END) for first in range(2, 6) for second in range(2, 6)
               for third in (7, 8)]  # fmt: skip
    expected, _ = both(model, answers)
    for row, together in ((1, 1), (3, 40), (10**6, 10**6)):
        monkeypatch.setattr(branch_reader, "ROW_TOKENS", row)
        monkeypatch.setattr(branch_reader, "PASS_TOKENS", together)
        bounded, _ = both(model, answers)
        assert bounded.exact == expected.exact
        assert (bounded.scores - expected.scores).abs().max() < 1e-4


def test_a_token_that_saw_another_branch_would_be_seen(model, monkeypatch):
    monkeypatch.setattr(RadixTrie, "ends", (10**6,) * 100)  # every earlier branch counts as above
    answers = [(first, second, third, END) for first in (2, 3) for second in (4, 5)
               for third in (6, 7)]  # fmt: skip
    bounded, complete = both(model, answers)
    exact = (bounded.scores - complete).abs() < 1e-3
    assert any(int(row.sum()) < count for row, count in zip(exact, bounded.exact, strict=True))


def test_one_reading_serves_the_next_search_as_the_first(model):
    import torch

    answers = RadixTrie.build([(first, second, END) for first in (2, 3) for second in (4, 5, 6)])
    with torch.no_grad():
        prompts = CachedPrompts.of(model, PROMPTS, 0)
        first, second = (certified_scores(prompts, answers).scores for _ in range(2))
    assert torch.equal(first, second)


def test_the_rest_of_a_bound_is_never_above_it():
    """A search's own sums: opening a branch replaces its bound by parts that weigh no more."""
    search = certified.BestFirstSearch(RadixTrie.build([(7, 8, 1), (7, 9, 1), (4, 1)]))
    search.enter(search.trie.roots, [math.log(0.1), math.log(0.6)], 0.0)
    assert set(search.needed()) == set(search.open)
    assert search.weight == 0
