"""`--only` narrows a grid."""

from __future__ import annotations

import pytest

from benchbench import BenchbenchError
from benchbench.grids.expansion import expand
from benchbench.grids.grid import Overrides
from benchbench.grids.only import parse_only
from tests.support.grids import block, cells, faults, read, titles


def test_only_takes_alternatives_within_a_noun_and_agreement_between_nouns(tmp_path):
    text = block("'claims', 'patents'", "'head', 'instruction', 'tfidf'", "'llama', 'qwen'")
    grid = read(tmp_path, text)
    only = parse_only("dataset=claims,method=head,method=tfidf,backbone=qwen", grid)
    assert only["method"] == {"head", "tfidf"}
    assert titles(expand(grid, Overrides(only=only)).cells) == [
        "head · qwen · claims · seed 0",
        "tfidf · claims · seed 0",  # it has no backbone that could be another one
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("methods=head", "--only takes dataset=NAME", id="unknown-noun"),
        pytest.param("head", "found 'head'", id="no-equals-sign"),
        pytest.param("method=haed", "Did you mean 'head'?", id="unknown-name"),
    ],
)
def test_only_says_what_it_takes(tmp_path, text, message):
    with pytest.raises(BenchbenchError, match="--only") as caught:
        parse_only(text, read(tmp_path, block()))
    assert message in str(caught.value)


def test_what_only_leaves_out_need_not_resolve(tmp_path):
    text = block("{ use = 'claims', limit = 'none' }, 'patents'", more="params = { head.rank = 4 }")
    assert faults(tmp_path, text)
    expanded = cells(tmp_path, text, only={"dataset": frozenset({"patents"})})
    assert [cell.dataset.name for cell in expanded] == ["patents"]


def test_a_param_of_a_member_that_only_leaves_out_is_no_fault(tmp_path):
    text = block(methods="'head', 'instruction'", more="params = { instruction.rank = 4 }")
    assert len(cells(tmp_path, text, only={"method": frozenset({"head"})})) == 1
