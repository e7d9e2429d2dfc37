"""A radix trie has one branch per stretch of tokens without a choice."""

from __future__ import annotations

import pytest

from benchbench.kit.scoring.radix import RadixTrie


def test_branches_are_as_long_as_there_is_no_choice():
    trie = RadixTrie.build([(7, 8, 9, 1), (7, 8, 5, 1), (4, 1)])
    by_tokens = {branch.tokens: branch for branch in trie.branches}
    assert set(by_tokens) == {(7, 8), (9, 1), (5, 1), (4, 1)}
    assert by_tokens[7, 8].answers == (1, 0)
    assert by_tokens[7, 8].read == (7, 8)
    assert by_tokens[9, 1].read == (9,)
    assert by_tokens[9, 1].depth == 2
    assert [trie.branches[root].tokens for root in trie.roots] == [(4, 1), (7, 8)]
    at = trie.branches.index(by_tokens[7, 8])
    assert trie.ends[at] == at + 3  # itself and two under it
    assert [by_tokens[tokens].edges for tokens in ((7, 8), (9, 1), (4, 1))] == [3, 1, 1]


@pytest.mark.parametrize("answers", [[(5,), (5, 6)], [(5, 6), (5, 6)]], ids=["begins", "twice"])
def test_answers_that_begin_others_are_refused(answers):
    with pytest.raises(ValueError, match="begins another"):
        RadixTrie.build(answers)
