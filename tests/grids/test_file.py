"""A grid's file: what it may say, and how its faults are told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbench.contract.errors import GridError
from benchbench.grids.file import read_grid
from benchbench.grids.grid import Grid
from benchbench.grids.references import find_dataset
from benchbench.records.identity import cell_id
from tests.support.grids import CATALOG, block, cells, faults, read, titles


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
    assert any(fault in message for message in faults(tmp_path, text))


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
        expanded = cells(tmp_path, text)
    except GridError as error:
        assert error.faults
    else:
        assert len({cell_id(cell) for cell in expanded}) == len(expanded)


def test_members_of_the_command_line_stand_in_for_the_files_which_are_not_looked_up(tmp_path):
    text = block("'not-there'", "'head'", "'llama'")
    expanded = cells(tmp_path, text, datasets=(find_dataset("patents", CATALOG),))
    assert titles(expanded) == ["head · llama · patents · seed 0"]


def test_the_title_defaults_to_the_files_name(tmp_path):
    assert read(tmp_path, block()).title == "trial"
    assert read(tmp_path, "title = 'Ours'\n" + block()).title == "Ours"
    assert isinstance(read(tmp_path, block()), Grid)


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
    assert any(fault in message for message in faults(tmp_path, block(more=f"search = {search}")))


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
