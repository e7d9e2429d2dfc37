"""Which member a parameter is for, and which of several values it then has."""

from __future__ import annotations

import pytest

from benchbench.grids.references import find_method
from benchbench.records.identity import cell_id
from tests.support.grids import CATALOG, block, cells, faults, titles


def test_text_and_number_are_one_cell(tmp_path):
    as_text = cells(tmp_path, block(methods="{use = 'head', rank = '8'}"))
    as_number = cells(tmp_path, block(methods="{use = 'head', rank = 8}"))
    from_flag = cells(tmp_path, block(), sets={"head.rank": "8"})
    assert as_text == as_number == from_flag
    assert {cell_id(cell) for cell in (*as_text, *as_number, *from_flag)} == {cell_id(as_text[0])}


@pytest.mark.parametrize(
    ("sets", "head", "instruction"),
    [
        pytest.param({"head.rank": "4"}, 4, 8, id="by-name-reaches-that-one"),
        pytest.param({"rank": "4"}, 4, 4, id="bare-reaches-all-that-declare-it"),
        pytest.param({"rank": "4", "head.rank": "2"}, 2, 4, id="by-name-is-nearer-than-bare"),
        pytest.param({"head.rank": "2", "rank": "4"}, 2, 4, id="in-whatever-order"),
    ],
)
def test_set_beats_what_the_file_says(tmp_path, sets, head, instruction):
    text = block(methods="'head', 'instruction', 'tfidf'", more="params = {rank = 8}")
    ranks = {cell.method.name: cell.method.params for cell in cells(tmp_path, text, sets=sets)}
    assert ranks["head"] == {"rank": head}
    assert ranks["instruction"] == {"rank": instruction}
    assert ranks["tfidf"] == {}


def test_what_a_member_says_of_itself_is_nearer_than_its_block(tmp_path):
    text = block(
        methods="{use = 'head', as = 'small', rank = 2}, {use = 'head', as = 'usual'}",
        more="params = {rank = 8, small = {learning_rate = 0.1}}",
    )
    params = {cell.method.name: cell.method.params for cell in cells(tmp_path, text)}
    assert params == {"small": {"rank": 2, "learning_rate": 0.1}, "usual": {"rank": 8}}


def test_set_may_concern_one_block_of_several(tmp_path):
    text = block(methods="'tfidf'") + block(methods="'head'")
    expanded = cells(tmp_path, text, sets={"rank": "4"})
    assert [dict(cell.method.params) for cell in expanded] == [{}, {"rank": 4}]


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        pytest.param(
            {"sets": {"hed.rank": "4"}},
            "nothing in the grid is called 'hed'. Did you mean 'head'?",
            id="unknown-owner",
        ),
        pytest.param(
            {"sets": {"head.rnak": "4"}},
            "unknown parameter 'head.rnak'. Did you mean 'rank'?",
            id="unknown-parameter",
        ),
        pytest.param({"sets": {"rnak": "4"}}, "--set rnak: nothing in the grid", id="unknown-bare"),
        pytest.param({"sets": {"rank": "x"}}, "'head.rank': expected a whole", id="bad-value"),
        pytest.param({"limit": -1}, "'claims.limit': expected a whole number", id="bad-limit"),
    ],
)
def test_a_flag_that_reaches_nothing_is_refused(tmp_path, overrides, fault):
    assert any(fault in message for message in faults(tmp_path, block(), **overrides))


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        pytest.param(
            "{rnak = 8}",
            "parameter 'rnak' is declared by nothing in its block. Did you mean 'rank'?",
            id="bare",
        ),
        pytest.param(
            "{haed = {rank = 8}}",
            "nothing in its block is called 'haed'. Did you mean 'head'?",
            id="owner",
        ),
    ],
)
def test_a_block_param_that_reaches_nothing_is_refused(tmp_path, params, fault):
    assert any(fault in message for message in faults(tmp_path, block(more=f"params = {params}")))


def test_a_block_param_of_a_member_that_the_command_line_replaced_is_no_fault(tmp_path):
    text = block(methods="'head'", more="params = {rank = 8}")
    assert titles(cells(tmp_path, text, methods=(find_method("tfidf", CATALOG),))) == [
        "tfidf · claims · seed 0"
    ]


def test_limit_goes_to_every_dataset(tmp_path):
    expanded = cells(tmp_path, block("'claims', 'patents'"), limit=20)
    assert [dict(cell.dataset.params) for cell in expanded] == [{"limit": 20}, {"limit": 20}]


SEARCH = "search = { rank = [8, 16], learning_rate = [0.1, 0.2] }"


def test_what_the_command_line_sets_is_not_searched(tmp_path):
    expanded = cells(tmp_path, block(more=SEARCH), sets={"head.rank": "4"})
    assert [cell.method.params for cell in expanded] == [
        {"rank": 4, "learning_rate": mode} for mode in (0.1, 0.2)
    ]
