"""A path is told by the name of its file; which file is meant, and how it was written, is kept."""

from __future__ import annotations

import json
import pickle
from copy import deepcopy

import pytest

from benchbench.contract import Cell, LocalPath, Reference, all_as_given, all_as_published
from benchbench.machine import read_as
from benchbench.records import cell_id


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a table, links, and another folder outside with one of that name."""
    for name in ("secret", "project/data", "project/text"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    for name in ("project/data/t.csv", "secret/t.csv", "project/blob"):
        (tmp_path / name).write_text(name)
    (tmp_path / "project" / "link.csv").symlink_to("data/t.csv")
    (tmp_path / "project" / "cached.csv").symlink_to("blob")
    return tmp_path


SPELLINGS = ["data/t.csv", "./data/../data/t.csv", "{}/project/data/t.csv", "link.csv"]


def test_every_spelling_of_a_file_is_one_path_that_is_told_by_its_name(here):
    paths = [LocalPath.of(text.format(here)) for text in SPELLINGS]
    assert {str(path) for path in paths} == {"t.csv"}
    assert len(set(paths)) == 1
    assert [path.given for path in paths] == [text.format(here) for text in SPELLINGS]


def test_two_files_of_one_name_are_told_alike_and_are_not_equal(here):
    inside, outside = LocalPath.of("data/t.csv"), LocalPath.of("../secret/t.csv")
    assert str(inside) == str(outside) == "t.csv"
    assert inside != outside
    assert inside == "t.csv" == outside, "a record that was read again has the text alone"
    assert len({inside, outside}) == 2


@pytest.mark.parametrize(
    "text", ["absent.csv", "nul\0.csv", "n" * 300 + ".csv", "a/b.csv", "", ".", "..", "~", "/"]
)  # fmt: skip
def test_what_leads_to_no_file_or_has_no_name_stays_as_it_was_written(here, text):
    assert type(LocalPath.of(text)) is str
    assert LocalPath.of(text) == text


@pytest.mark.parametrize("text", ["/of/acme/t.csv", "../of/t.csv", "~/of/t.csv", "~nobody/t.csv"])
def test_a_path_from_the_root_the_home_or_a_dot_on_need_not_exist(here, text):
    assert (str(LocalPath.of(text)), LocalPath.of(text).given) == ("t.csv", text)


def test_a_link_whose_target_has_another_kind_of_name_is_not_followed(here):
    assert str(LocalPath.of("cached.csv")) == "cached.csv"


def test_the_home_folder_does_not_tell_its_user(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here / "secret"))
    assert str(LocalPath.of(str(here / "secret"))) == "~"


def test_a_path_survives_pickling_and_copying(here):
    path = LocalPath.of("../secret/t.csv")
    for copy in (pickle.loads(pickle.dumps(path)), deepcopy(path), LocalPath.of(path)):
        assert (copy, copy.given, copy.target) == (path, path.given, path.target)


def test_a_cell_holds_the_name_and_a_plugin_gets_what_the_user_wrote(here):
    given = {"path": "../secret/t.csv", "text": "text", "fraction": 0.5}
    params = all_as_published(given)
    cell = Cell(Reference("csv", "t", params), Reference("majority", "majority"), None, 0)
    stored = json.loads(json.dumps(cell.to_json()))
    assert stored["dataset"]["params"] == {"path": "t.csv", "text": "text", "fraction": 0.5}
    assert cell_id(read_as(Cell, stored)) == cell_id(cell)
    assert read_as(Cell, stored) == cell
    assert all_as_given(params) == given
    assert ("../secret/t.csv", "t.csv") in cell.paths
