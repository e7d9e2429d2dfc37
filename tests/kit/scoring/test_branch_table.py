"""The table of a radix trie: its entries, what may follow them, and the mask."""

from __future__ import annotations

from benchbench.kit.scoring.branch_table import BranchTable
from benchbench.kit.scoring.radix import RadixTrie


def test_a_table_names_each_token_that_is_read_and_what_may_follow_it():
    import torch

    trie = RadixTrie.build([(7, 8, 9, 1), (7, 8, 5, 1), (4, 1)])
    table = BranchTable.of(trie, "cpu")
    assert table.tokens.tolist() == [4, 7, 8, 5, 9, 0]
    assert table.depths.tolist() == [1, 1, 2, 3, 3, 0]
    assert table.below.tolist() == [0, 1, 1, 0, 0, 0]
    assert [list(table.entries(branch)) for branch in range(4)] == [[0], [1, 2], [3], [4]]
    places, following = table.edges(torch.tensor([2, 0, 4]))
    assert places.tolist() == [0, 0, 1, 2]
    assert following.tolist() == [5, 9, 1, 1]
    rows = torch.arange(6)[None]
    assert table.seen(rows, rows)[0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0],
    ]
