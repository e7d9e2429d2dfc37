"""A trie shares what continuations begin with."""

from __future__ import annotations

import pytest

from benchbench.kit.scoring.trie import PROMPT_END, Continuation, TokenTrie


def test_nodes_are_shared_and_the_last_token_needs_none():
    trie = TokenTrie.build([Continuation((), (70, 71, 1)), Continuation((), (70, 72, 1))])
    assert (trie.tokens, trie.parents, trie.depths) == (
        (70, 71, 72),
        (PROMPT_END, 0, 0),
        (1, 2, 2),
    )
    assert trie.predictors == (PROMPT_END, 0, 1, 2)
    assert trie.depth == 2
    assert trie.lineage.tolist() == [
        [True, False, False],
        [True, True, False],
        [True, False, True],
    ]


def test_an_empty_answer_and_an_empty_trie_are_refused():
    with pytest.raises(ValueError, match="at least one token"):
        Continuation((70,), ())
    with pytest.raises(ValueError, match="at least one continuation"):
        TokenTrie.build([])
