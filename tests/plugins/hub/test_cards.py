"""The cards, their listing, and what a run does with a dataset that is not here."""

from __future__ import annotations

from dataclasses import fields

import pytest
from benchbench_hub.cards import CARDS
from benchbench_hub.hub_dataset import AnyHubDataset, NamedDataset
from benchbench_hub.options import HubOptions

from benchbench import cli
from benchbench.catalog import load_catalog
from benchbench.testing import check_dataset

DATASETS = [*map(NamedDataset, CARDS), AnyHubDataset()]


def test_the_datasets_are_in_the_catalog():
    assert {dataset.name for dataset in DATASETS} <= set(load_catalog().datasets)


@pytest.mark.parametrize("dataset", DATASETS, ids=[dataset.name for dataset in DATASETS])
def test_every_declared_parameter_has_a_typed_field(dataset):
    declared = {parameter.name for parameter in dataset.parameters}
    assert declared <= {field.name for field in fields(HubOptions)}


@pytest.mark.parametrize("card", CARDS, ids=[card.name for card in CARDS])
def test_a_card_names_its_place_its_licence_and_its_citation(card):
    assert card.hub_id.count("/") == 1 or "only by path" in card.description
    assert (card.licence or "unconfirmed") in card.description
    assert card.citation in card.description and card.columns
    multi_label = "multi-label" in card.title
    assert card.kind == ("multi-label" if multi_label else "single-label")


def test_a_dataset_keeps_the_contract(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("text,label\n" + "".join(f"t{n},{'ab'[n % 2]}\n" for n in range(40)))
    check_dataset(AnyHubDataset(), {"path": str(path)})


def test_a_dataset_that_is_not_here_costs_no_other(tmp_path, monkeypatch, capsys):
    path = tmp_path / "table.csv"
    path.write_text("text,label\n" + "".join(f"t{n},{'ab'[n % 2]}\n" for n in range(40)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    words = ["plan", "--dataset", "patents-cpc", "--method", "majority"]
    assert run(words, monkeypatch) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "benchbench: No cell can run: all cells on patents-cpc: patents-cpc has no confirmed "
        "place on the hub; give --set patents-cpc.path=FOLDER."
    )
    more = ["--csv", "table.csv", "--text", "text", "--label", "label"]
    assert run([*words, *more], monkeypatch) == 0
    told = capsys.readouterr().out
    assert "1 of 1 cells to run" in told
    assert "Not part of the grid: all cells on patents-cpc" in told


def run(words, monkeypatch):
    """Run the command line in this process; return its exit code."""
    monkeypatch.setattr("sys.argv", ["benchbench", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code
