"""One file is one dataset, however its path is written, and no record tells where it lies."""

from __future__ import annotations

import json

import pytest
from benchbench_csv import benchbench_resolve_dataset
from benchbench_csv.csv_dataset import CsvDataset

from benchbench import LoaderError
from benchbench.catalog import load_catalog
from benchbench.cli.options import CSV_OPTIONS
from benchbench.contract import Cell, Reference, all_as_given
from benchbench.grids.references import find_dataset
from benchbench.records import cell_id
from tests.support.tables import GOOD, settled


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a table and a link to it, and another table outside with links."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "project" / "data").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    (tmp_path / "project" / "data" / "t.csv").write_text(GOOD)
    (tmp_path / "secret" / "u.csv").write_text(GOOD)
    (tmp_path / "project" / "link.csv").symlink_to("data/t.csv")
    (tmp_path / "project" / "out.csv").symlink_to("../secret/u.csv")
    return tmp_path


def cell_of(text):
    """Return the cell of the majority on the table that a path stands for."""
    columns = {"path": text, "text": "text", "label": "label"}
    member, faults = find_dataset(text, load_catalog()).asking(columns)
    assert not faults
    return Cell(member.reference, Reference("majority", "majority"), None, 0)


INSIDE = ["data/t.csv", "./data/../data/t.csv", "{}/project/data/t.csv", "link.csv"]
OUTSIDE = ["../secret/u.csv", "{}/secret/u.csv", "out.csv"]


@pytest.mark.parametrize("spellings", [INSIDE, OUTSIDE], ids=["inside", "outside"])
def test_every_spelling_of_a_file_is_one_cell(here, spellings):
    cells = [cell_of(text.format(here)) for text in spellings]
    assert len({cell_id(cell) for cell in cells}) == 1
    stored = json.dumps([cell.to_json() for cell in cells])
    assert not [word for word in (here.name, "secret", "project", "data/") if word in stored], (
        stored
    )
    params = [settled(**all_as_given(cell.dataset.params)) for cell in cells]
    assert len({CsvDataset().source(values) for values in params}) == 1


def test_messages_and_reports_tell_no_more_of_a_path_than_was_given(here, tmp_path):
    (here / "secret" / "u.csv").write_text(GOOD + "short\n")
    with pytest.raises(LoaderError, match=r"^out\.csv:22: expected 2 fields"):
        CsvDataset().load(settled(path="out.csv"), tmp_path / "made")
    given = f"{here}/secret/u.csv"
    params = settled(path=given, on_bad_row="skip", max_skipped=0.2)
    report = CsvDataset().load(params, tmp_path / "made").report
    assert [line[:9] for line in report.skipped] == ["u.csv:22:"]


def test_the_name_of_a_dataset_is_the_same_for_every_spelling(here):
    names = {benchbench_resolve_dataset(text.format(here)).name for text in INSIDE}
    assert names == {"t"}


def test_no_option_of_a_table_sets_a_parameter_of_a_method():
    catalog = load_catalog()
    declared = {parameter.name for parameter in catalog.parameters("dataset", "csv")}
    assert set(CSV_OPTIONS.values()) <= declared
    for method in catalog.methods.values():
        assert not declared & {parameter.name for parameter in method.parameters}, method.name
