"""References: each is looked up once, however often and wherever a grid names it."""

from __future__ import annotations

from collections import Counter

import pytest

from benchbench import Reference
from benchbench.contract.errors import UnknownName
from benchbench.grids.expansion import expand
from benchbench.grids.file import read_grid
from benchbench.grids.grid import Overrides
from benchbench.grids.only import parse_only
from benchbench.grids.references import (
    dataset_member,
    find_backbone,
    find_dataset,
    find_method,
)
from tests.support.building import Table, Way, catalog_of, plugin
from tests.support.grids import CATALOG, block


class Counting:
    """A catalog that counts what it is asked."""

    def __init__(self):
        self.questions = Counter()

    def __getattr__(self, name):
        function = getattr(CATALOG, name)

        def ask(*arguments):
            self.questions[name, *arguments] += 1
            return function(*arguments)

        return ask


def test_each_reference_is_looked_up_once(tmp_path):
    catalog = Counting()
    path = tmp_path / "trial.toml"
    more = "params = {rank = 8}\nsearch = {learning_rate = [0.1, 0.2]}"
    path.write_text(
        "seeds = [0, 1, 2]\n"
        + block("'claims', 'patents'", "'head', {use = 'head', as = 'other'}", more=more)
        + block("'claims'", "'head', 'tfidf', 'centre'", "'llama', 'qwen', 'bert'")
    )
    asked = Overrides(sets={"rank": "4", "head.rank": "2", "llama.dtype": "auto"}, limit=20)
    grid = read_grid(path, catalog, asked)
    assert {question[-1] for question in catalog.questions} == {
        *("claims", "patents", "head", "tfidf", "centre", "llama", "qwen", "bert")
    }
    assert set(catalog.questions.values()) == {1}
    before = dict(catalog.questions)
    parse_only("dataset=claims,method=head", grid)
    assert len(expand(grid, asked).cells) > 12
    assert catalog.questions == before, "expansion asks no catalog"


def test_what_the_command_line_names_is_looked_up_once_and_the_file_not_at_all(tmp_path):
    catalog = Counting()
    asked = Overrides(
        datasets=(find_dataset("claims", catalog),),
        methods=(find_method("head", catalog),),
        backbones=(find_backbone("llama", catalog),),
    )
    path = tmp_path / "trial.toml"
    path.write_text(block("'patents'", "'tfidf'", "'qwen'") * 2)
    assert len(expand(read_grid(path, catalog, asked), asked).cells) == 1
    assert {question[-1] for question in catalog.questions} == {"claims", "head", "llama"}
    assert set(catalog.questions.values()) == {1}


def test_a_member_has_what_its_noun_declares():
    claims = find_dataset("claims", CATALOG)
    assert (claims.name, claims.kind()) == ("claims", "single-label")
    assert [parameter.name for parameter in claims.parameters] == ["path", "limit", "split_seed"]
    centre = find_method("centre", CATALOG)
    assert (centre.kinds, centre.backbone_kinds, centre.seeded) == (
        ("single-label",), ("causal-lm",), False,
    )  # fmt: skip
    assert find_backbone("bert", CATALOG).kind == "encoder"


def test_a_path_becomes_the_member_of_the_dataset_that_reads_it():
    def resolver(reference):
        return Reference("claims", "mine", {"path": reference})

    catalog = catalog_of(
        plugin("tables", datasets=[Table("claims")], methods=[Way()]),
        plugin("paths", resolve_dataset=resolver),
    )
    member = find_dataset("mine.csv", catalog)
    assert member.reference == Reference("claims", "mine", {"path": "mine.csv"})
    assert member.values() == {"path": "mine.csv", "limit": 0, "split_seed": 0}


def test_an_unknown_name_is_told_with_the_nearest():
    for find, name, nearest in (
        (find_dataset, "clams", "claims"),
        (find_method, "haed", "head"),
        (find_backbone, "lama", "llama"),
        (lambda name, catalog: dataset_member(Reference(name, "x"), catalog), "clams", "claims"),
    ):
        with pytest.raises(UnknownName, match=f"Did you mean '{nearest}'"):
            find(name, CATALOG)
