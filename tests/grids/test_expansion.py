"""Grids: what a TOML file means, cell by cell, and how its faults are told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbench import BenchbenchError, Reference
from benchbench.contract.errors import GridError
from benchbench.grids.expansion import Grid, Overrides, expand, parse_only
from benchbench.grids.file import read_grid
from benchbench.records.identity import cell_id
from tests.support.building import Net, Table, Way, catalog_of

HEAD = Way("head")
INSTRUCTION = Way("instruction")
SVM = Way("tfidf", backbone_kinds=(), seeded=False, parameters=())
CENTRE = Way("centre", kinds=("single-label",), seeded=False)
ENCODER = Way("encoder-head", backbone_kinds=("encoder",))
CATALOG = catalog_of(
    datasets=[Table("claims"), Table("patents", "multi-label")],
    methods=[HEAD, INSTRUCTION, SVM, CENTRE, ENCODER],
    backbones=[Net("llama"), Net("qwen"), Net("bert", kind="encoder")],
)


def read(folder, text, overrides=None):
    path = folder / "trial.toml"
    path.write_text(text, encoding="utf-8")
    return read_grid(path, CATALOG, overrides)


def cells(folder, text, **overrides):
    asked = Overrides(**overrides)
    return expand(read(folder, text, asked), CATALOG, asked).cells


def titles(found):
    return [one.title for one in found]


def faults(folder, text, **overrides):
    with pytest.raises(GridError) as caught:
        cells(folder, text, **overrides)
    return caught.value.faults


def block(datasets="'claims'", methods="'head'", backbones="'llama'", more=""):
    return (
        f"[[block]]\ndatasets = [{datasets}]\nmethods = [{methods}]\n"
        f"backbones = [{backbones}]\n{more}\n"
    )


def test_a_block_is_a_product_in_the_order_of_the_file(tmp_path):
    text = "seeds = [1, 0]\n" + block("'patents', 'claims'", "'instruction', 'head'", "'qwen'")
    assert titles(cells(tmp_path, text)) == [
        f"{method} · qwen · {dataset} · seed {seed}"
        for dataset in ("patents", "claims")
        for method in ("instruction", "head")
        for seed in (1, 0)
    ]


def test_a_grid_is_a_sum_in_which_the_same_cell_stands_once(tmp_path):
    text = block() + block(methods="'instruction', 'head'")
    assert titles(cells(tmp_path, text)) == [
        "head · llama · claims · seed 0",
        "instruction · llama · claims · seed 0",
    ]


def test_a_method_without_backbone_and_seed_is_one_cell_a_dataset(tmp_path):
    text = "seeds = [3, 4]\n" + block("'claims', 'patents'", "'tfidf'", "'llama', 'qwen'")
    assert titles(cells(tmp_path, text)) == ["tfidf · claims · seed 0", "tfidf · patents · seed 0"]


def test_a_method_without_seed_is_one_cell_a_backbone(tmp_path):
    text = "seeds = [3, 4]\n" + block(methods="'centre'", backbones="'llama', 'qwen'")
    assert titles(cells(tmp_path, text)) == [
        "centre · llama · claims · seed 0",
        "centre · qwen · claims · seed 0",
    ]


def test_seeds_of_a_block_are_nearer_than_those_of_the_grid(tmp_path):
    text = "seeds = [1]\n" + block(more="seeds = [7]") + block(methods="'instruction'")
    assert [one.seed for one in cells(tmp_path, text)] == [7, 1]


def test_seeds_of_the_command_line_beat_both(tmp_path):
    text = "seeds = [1]\n" + block(more="seeds = [7]")
    assert [one.seed for one in cells(tmp_path, text, seeds=(5, 6))] == [5, 6]


def test_pairs_that_cannot_be_are_dropped_and_named(tmp_path):
    text = block("'patents', 'claims'", "'centre', 'encoder-head'", "'llama', 'bert'")
    text += block("'claims'", "'head'", "")
    found = expand(read(tmp_path, text), CATALOG)
    assert found.dropped == (
        "centre on patents: it takes no multi-label data",
        "encoder-head with llama: it takes encoder, not causal-lm",
        "centre with bert: it takes causal-lm, not encoder",
        "head on claims: it needs a backbone, none was given",
    )
    assert titles(found.cells) == [
        "encoder-head · bert · patents · seed 0",
        "centre · llama · claims · seed 0",
        "encoder-head · bert · claims · seed 0",
    ]


def test_every_fault_of_a_file_is_in_one_message_with_the_nearest_name(tmp_path):
    text = "titel = 'x'\nseeds = [0, 0]\n" + block(
        "'clams'", "'hed', {as = 'x'}", "'lama'", "parms = {}\nseeds = [-1]"
    )
    path = tmp_path / "trial.toml"
    with pytest.raises(GridError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{path}:\n")
    for part in (
        "unknown key 'titel'. Did you mean 'title'?",
        "seeds: expected a list of different whole numbers, found [0, 0]",
        "block 1: unknown key 'parms'. Did you mean 'params'?",
        "Unknown dataset 'clams'. Did you mean 'claims'?",
        "Unknown method 'hed'. Did you mean 'head'?",
        "a method is a name or a table with 'use', found {'as': 'x'}",
        "Unknown backbone 'lama'. Did you mean 'llama'?",
        "block 1 seeds: expected a list of different whole numbers, found [-1]",
    ):
        assert part in message
    assert len(caught.value.faults) == 8


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("", "it has no [[block]]", id="empty"),
        pytest.param("[[block]", "cannot be read", id="no-toml"),
        pytest.param("title = '\x00'", "cannot be read", id="control-character"),
        pytest.param("seeds = 9" + "9" * 5000, "cannot be read", id="endless-number"),
        pytest.param("[block]\n", "[[block]], with two brackets", id="single-brackets"),
        pytest.param("block = 3", "[[block]], with two brackets", id="block-is-a-number"),
        pytest.param("block = [1]", "block 1 is not a table", id="block-of-numbers"),
        pytest.param("[[block]]\ndatasets = 'claims'", "is not written as a list", id="lone-name"),
        pytest.param("[[block]]\nmethods = {use = 'head'}", "'methods' is not", id="lone-table"),
        pytest.param("[[block]]\nparams = 3", "params is not a table", id="params-a-number"),
        pytest.param(block(more="params = {rank = [8]}"), "found [8]", id="list-as-value"),
        pytest.param(block(more="params = {rank = inf}"), "found inf", id="infinite-value"),
        pytest.param(
            block(methods="{use = 'head', rank = 1979-05-27}"), "found datetime.date", id="date"
        ),
        pytest.param(block(more=f"params = {{rank = {2**64}}}"), "found 18446", id="too-large"),
    ],
)
def test_a_malformed_grid_is_told_as_such(tmp_path, text, fault):
    assert any(fault in found for found in faults(tmp_path, text))


def test_a_grid_that_is_not_there_is_told_by_its_path(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path, Path("a\0b.toml")):
        with pytest.raises(GridError, match="cannot be read"):
            read_grid(path, CATALOG)


PLAIN = st.one_of(
    st.booleans(),
    st.integers(-3, 2**70),
    st.floats(),
    st.sampled_from(["claims", "head", "llama", "bert", "rank", "8", "", "a.b", "\0"]),
    st.dates(),
)
JUNK = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["use", "as", "rank", "path", "x.y"]), inner, max_size=3)
    ),
    max_leaves=6,
)
BLOCKS = st.dictionaries(
    st.sampled_from(["datasets", "methods", "backbones", "params", "seeds", "x"]), JUNK
)
GRIDS = st.fixed_dictionaries(
    {}, optional={"title": JUNK, "seeds": JUNK, "block": JUNK | st.lists(BLOCKS), "x": JUNK}
)


def spelled(value):
    """Spell a value in TOML; floats as TOML does, everything else inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {spelled(v)}' for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(spelled, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\0", "\\u0000") + '"'
    return str(value)


@given(data=GRIDS)
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_stands_in_a_file_gives_cells_or_one_grid_error(tmp_path, data):
    text = "\n".join(f"{key} = {spelled(value)}" for key, value in data.items())
    tomllib.loads(text)
    try:
        found = cells(tmp_path, text)
    except GridError as error:
        assert error.faults
    else:
        assert len({cell_id(one) for one in found}) == len(found)


def test_text_and_number_are_one_cell(tmp_path):
    as_text = cells(tmp_path, block(methods="{use = 'head', rank = '8'}"))
    as_number = cells(tmp_path, block(methods="{use = 'head', rank = 8}"))
    from_flag = cells(tmp_path, block(), sets={"head.rank": "8"})
    assert as_text == as_number == from_flag
    assert {cell_id(one) for one in (*as_text, *as_number, *from_flag)} == {cell_id(as_text[0])}


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
    ranks = {one.method.name: one.method.params for one in cells(tmp_path, text, sets=sets)}
    assert ranks["head"] == {"rank": head}
    assert ranks["instruction"] == {"rank": instruction}
    assert ranks["tfidf"] == {}


def test_what_a_member_says_of_itself_is_nearer_than_its_block(tmp_path):
    text = block(
        methods="{use = 'head', as = 'small', rank = 2}, {use = 'head', as = 'usual'}",
        more="params = {rank = 8, small = {learning_rate = 0.1}}",
    )
    params = {one.method.name: one.method.params for one in cells(tmp_path, text)}
    assert params == {"small": {"rank": 2, "learning_rate": 0.1}, "usual": {"rank": 8}}


def test_set_may_concern_one_block_of_several(tmp_path):
    text = block(methods="'tfidf'") + block(methods="'head'")
    found = cells(tmp_path, text, sets={"rank": "4"})
    assert [dict(one.method.params) for one in found] == [{}, {"rank": 4}]


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
    assert any(fault in found for found in faults(tmp_path, block(), **overrides))


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
    assert any(fault in found for found in faults(tmp_path, block(more=f"params = {params}")))


def test_a_block_param_of_a_member_that_the_command_line_replaced_is_no_fault(tmp_path):
    text = block(methods="'head'", more="params = {rank = 8}")
    assert titles(cells(tmp_path, text, methods=(Reference("tfidf", "tfidf"),))) == [
        "tfidf · claims · seed 0"
    ]


def test_limit_goes_to_every_dataset(tmp_path):
    found = cells(tmp_path, block("'claims', 'patents'"), limit=20)
    assert [dict(one.dataset.params) for one in found] == [{"limit": 20}, {"limit": 20}]


def test_members_of_the_command_line_stand_in_for_the_files_which_are_not_looked_up(tmp_path):
    text = block("'not-there'", "'head'", "'llama'")
    found = cells(tmp_path, text, datasets=(Reference("patents", "patents"),))
    assert titles(found) == ["head · llama · patents · seed 0"]


def test_only_takes_alternatives_within_a_noun_and_agreement_between_nouns(tmp_path):
    text = block("'claims', 'patents'", "'head', 'instruction', 'tfidf'", "'llama', 'qwen'")
    grid = read(tmp_path, text)
    only = parse_only("dataset=claims,method=head,method=tfidf,backbone=qwen", grid)
    assert only["method"] == {"head", "tfidf"}
    assert titles(expand(grid, CATALOG, Overrides(only=only)).cells) == [
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


def test_two_different_things_of_one_name_are_refused(tmp_path):
    text = block(methods="{use = 'head', rank = 2}, {use = 'head', rank = 4}")
    assert faults(tmp_path, text) == (
        "two methods are both called 'head' and differ; name one with as = \"...\"",
    )


def test_a_method_may_differ_from_dataset_to_dataset(tmp_path):
    two = block("'claims'", "{use = 'head', rank = 2}") + block(
        "'patents'", "{use = 'head', rank = 4}"
    )
    assert [one.method.params["rank"] for one in cells(tmp_path, two)] == [2, 4]
    assert "differ" in faults(tmp_path, two.replace("patents", "claims"))[0]


def test_two_things_of_one_name_in_different_nouns_are_no_clash(tmp_path):
    catalog = catalog_of(datasets=[Table("same")], methods=[Way("same")], backbones=[Net("same")])
    path = tmp_path / "trial.toml"
    path.write_text(block("'same'", "'same'", "'same'"), encoding="utf-8")
    assert len(expand(read_grid(path, catalog), catalog).cells) == 1


def test_the_title_defaults_to_the_files_name(tmp_path):
    assert read(tmp_path, block()).title == "trial"
    assert read(tmp_path, "title = 'Ours'\n" + block()).title == "Ours"
    assert isinstance(read(tmp_path, block()), Grid)


SEARCH = "search = { rank = [8, 16], learning_rate = [0.1, 0.2] }"


def test_a_search_tries_all_combinations_of_a_method_with_all_seeds(tmp_path):
    text = "seeds = [0, 1]\n" + block(methods="'head', 'tfidf'", more=SEARCH)
    found = expand(read(tmp_path, text), CATALOG)
    heads = [one for one in found.cells if one.method.name == "head"]
    assert len(found.cells) == 2 * 4 + 1
    assert [found.tried[one] for one in heads[::2]] == [
        {"rank": rank, "learning_rate": mode} for rank in (8, 16) for mode in (0.1, 0.2)
    ]
    assert all(found.tried[one].items() <= one.method.params.items() for one in heads)
    assert len({cell_id(one) for one in heads}) == 8


def test_a_cell_of_a_search_is_the_same_cell_when_it_is_asked_for_alone(tmp_path):
    (searched,) = expand(read(tmp_path, block(more="search = { rank = [8] }")), CATALOG).cells
    (alone,) = cells(tmp_path, block(more="params = { rank = 8 }"))
    assert cell_id(searched) == cell_id(alone)


def test_what_the_command_line_sets_is_not_searched(tmp_path):
    found = cells(tmp_path, block(more=SEARCH), sets={"head.rank": "4"})
    assert [one.method.params for one in found] == [
        {"rank": 4, "learning_rate": mode} for mode in (0.1, 0.2)
    ]


@pytest.mark.parametrize(
    ("search", "fault"),
    [
        ("3", "search is not a table of lists"),
        ("{ rank = 8 }", "search 'rank' is a list of values, found 8"),
        ("{ rank = [] }", "search 'rank' is a list of values, found []"),
        ("{ rank = [nan] }", "search: 'rank' is one text, number"),
        ("{ rank = ['many'] }", "expected a whole number"),
        ("{ rnak = [8] }", "parameter 'rnak' is declared by nothing in its block"),
    ],
)
def test_a_wrong_search_is_refused(tmp_path, search, fault):
    assert any(fault in one for one in faults(tmp_path, block(more=f"search = {search}")))


@pytest.mark.parametrize(
    ("text", "jobs"), [("", 1), ("jobs = 3\n", 3), ("jobs = 'cores'\n", "cores")]
)
def test_a_grid_may_say_how_many_cells_run_at_once(tmp_path, text, jobs):
    assert read(tmp_path, text + block()).jobs == jobs


@pytest.mark.parametrize("jobs", ["0", "-1", "true", "'many'", "1.5"])
def test_jobs_that_cannot_be_are_refused(tmp_path, jobs):
    assert any(
        "jobs: expected a whole number" in f for f in faults(tmp_path, f"jobs = {jobs}\n" + block())
    )


def test_what_only_leaves_out_need_not_resolve(tmp_path):
    text = block("{ use = 'claims', limit = 'none' }, 'patents'", more="params = { head.rank = 4 }")
    assert faults(tmp_path, text)
    found = cells(tmp_path, text, only={"dataset": frozenset({"patents"})})
    assert [one.dataset.name for one in found] == ["patents"]


def test_a_param_of_a_member_that_only_leaves_out_is_no_fault(tmp_path):
    text = block(methods="'head', 'instruction'", more="params = { instruction.rank = 4 }")
    assert len(cells(tmp_path, text, only={"method": frozenset({"head"})})) == 1


def test_the_grids_that_come_along_are_sound():
    from benchbench.catalog.lookup import load_catalog

    catalog = load_catalog()
    counts = {}
    for name in ("default", "smoke", "paper"):
        sets = {"wipo-alpha.path": "x", "csv.path": "x.csv", "csv.text": "t", "csv.label": "l"}
        asked = Overrides(sets=sets if name == "paper" else {})
        found = expand(read_grid(catalog.grid(name), catalog, asked), catalog, asked)
        assert not found.dropped, name
        counts[name] = len(found.cells)
    # 2 datasets x 3 backbones x (2 methods x 3 seeds + 2), 2 x 3 of the encoder, 2 x 2 baselines
    assert counts["default"] == 58
    # a dataset: 8 x 2 x 9 matched, 2 x 2 x 9 unequal, 8 x 2 untrained, 5 x 9 encoders, 2 others
    # and the main code alone: 3 x 2 x 9, 9 of an encoder, 2 others
    assert counts["paper"] == 2 * (144 + 36 + 16 + 45 + 2) + 54 + 9 + 2
    assert counts["smoke"] == 12
