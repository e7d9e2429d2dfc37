"""Expansion: what a grid means, cell by cell."""

from __future__ import annotations

import pytest

from benchbench import Parameter, Reference
from benchbench.contract.errors import GridError
from benchbench.grids.expansion import expand
from benchbench.grids.file import read_grid
from benchbench.grids.grid import Block, Grid, Overrides
from benchbench.grids.members import BackboneMember, DatasetMember, MethodMember
from benchbench.records.identity import cell_id
from tests.support.building import Net, Table, Way, catalog_of
from tests.support.grids import block, cells, faults, read, titles


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
    assert [cell.seed for cell in cells(tmp_path, text)] == [7, 1]


def test_seeds_of_the_command_line_beat_both(tmp_path):
    text = "seeds = [1]\n" + block(more="seeds = [7]")
    assert [cell.seed for cell in cells(tmp_path, text, seeds=(5, 6))] == [5, 6]


def test_pairs_that_cannot_be_are_dropped_and_named(tmp_path):
    text = block("'patents', 'claims'", "'centre', 'encoder-head'", "'llama', 'bert'")
    text += block("'claims'", "'head'", "")
    expansion = expand(read(tmp_path, text))
    assert expansion.dropped == (
        "centre on patents: it takes no multi-label data",
        "encoder-head with llama: it takes encoder, not causal-lm",
        "centre with bert: it takes causal-lm, not encoder",
        "head on claims: it needs a backbone, none was given",
    )
    assert titles(expansion.cells) == [
        "encoder-head · bert · patents · seed 0",
        "centre · llama · claims · seed 0",
        "encoder-head · bert · claims · seed 0",
    ]


def test_two_different_things_of_one_name_are_refused(tmp_path):
    text = block(methods="{use = 'head', rank = 2}, {use = 'head', rank = 4}")
    assert faults(tmp_path, text) == (
        "two methods are both called 'head' and differ; name one with as = \"...\"",
    )


def test_a_method_may_differ_from_dataset_to_dataset(tmp_path):
    two = block("'claims'", "{use = 'head', rank = 2}") + block(
        "'patents'", "{use = 'head', rank = 4}"
    )
    assert [cell.method.params["rank"] for cell in cells(tmp_path, two)] == [2, 4]
    assert "differ" in faults(tmp_path, two.replace("patents", "claims"))[0]


def test_two_things_of_one_name_in_different_nouns_are_no_clash(tmp_path):
    catalog = catalog_of(datasets=[Table("same")], methods=[Way("same")], backbones=[Net("same")])
    path = tmp_path / "trial.toml"
    path.write_text(block("'same'", "'same'", "'same'"), encoding="utf-8")
    assert len(expand(read_grid(path, catalog)).cells) == 1


SEARCH = "search = { rank = [8, 16], learning_rate = [0.1, 0.2] }"


def test_a_search_tries_all_combinations_of_a_method_with_all_seeds(tmp_path):
    text = "seeds = [0, 1]\n" + block(methods="'head', 'tfidf'", more=SEARCH)
    expansion = expand(read(tmp_path, text))
    heads = [cell for cell in expansion.cells if cell.method.name == "head"]
    assert len(expansion.cells) == 2 * 4 + 1
    assert [expansion.tried[cell] for cell in heads[::2]] == [
        {"rank": rank, "learning_rate": mode} for rank in (8, 16) for mode in (0.1, 0.2)
    ]
    assert all(expansion.tried[cell].items() <= cell.method.params.items() for cell in heads)
    assert len({cell_id(cell) for cell in heads}) == 8


def test_a_cell_of_a_search_is_the_same_cell_when_it_is_asked_for_alone(tmp_path):
    (searched,) = expand(read(tmp_path, block(more="search = { rank = [8] }"))).cells
    (alone,) = cells(tmp_path, block(more="params = { rank = 8 }"))
    assert cell_id(searched) == cell_id(alone)


def by_hand():
    """Return a grid whose members no catalog was asked for."""
    rank = Parameter("rank", int, 16, "rank", minimum=1)
    main = Parameter("main", bool, False, "main code alone")
    patents = DatasetMember(
        Reference("patents", "patents"),
        (main,),
        lambda params: "single-label" if params["main"] else "multi-label",
    )
    head = MethodMember(
        Reference("head", "head"), (rank,), ("single-label", "multi-label"), ("causal-lm",), True
    )
    centre = MethodMember(Reference("centre", "centre"), (), ("single-label",), (), False)
    llama = BackboneMember(Reference("llama", "llama"), (), "causal-lm")
    block = Block((patents,), (head, centre), (llama,), search={"rank": (2, 4)})
    return Grid("by-hand", "Made by hand", (0, 1), (block,))


def test_expansion_needs_no_catalog():
    expansion = expand(by_hand())
    assert titles(expansion.cells) == ["head · llama · patents · seed 0",
                                       "head · llama · patents · seed 1"] * 2  # fmt: skip
    assert [expansion.tried[cell] for cell in expansion.cells[::2]] == [{"rank": 2}, {"rank": 4}]
    assert expansion.dropped == ("centre on patents: it takes no multi-label data",)


def test_the_kind_of_a_dataset_follows_from_the_parameters_that_it_ends_up_with():
    expansion = expand(by_hand(), Overrides(sets={"patents.main": "true", "head.rank": "8"}))
    assert titles(expansion.cells) == [
        "head · llama · patents · seed 0",
        "head · llama · patents · seed 1",
        "centre · patents · seed 0",
    ]
    assert not expansion.dropped
    with pytest.raises(GridError, match=r"'head.rank': expected a whole number of at least 1"):
        expand(by_hand(), Overrides(sets={"rank": "0"}))


def test_expanding_twice_gives_the_same_and_changes_nothing():
    grid, asked = by_hand(), Overrides(sets={"patents.main": "true"})
    before = repr(grid)
    first, second = expand(grid, asked), expand(grid, asked)
    assert (first.cells, first.tried) == (second.cells, second.tried)
    assert repr(grid) == before


def test_the_grids_that_come_along_are_sound():
    from benchbench.catalog.lookup import load_catalog

    catalog = load_catalog()
    counts = {}
    for name in ("default", "laptop", "smoke", "paper"):
        sets = {"wipo-alpha.path": "x", "csv.path": "x.csv", "csv.text": "t", "csv.label": "l"}
        asked = Overrides(sets=sets if name == "paper" else {})
        expansion = expand(read_grid(catalog.grid(name), catalog, asked), asked)
        assert not expansion.dropped, name
        counts[name] = len(expansion.cells)
    # 2 datasets x 3 backbones x (2 methods x 3 seeds + 2), 2 x 3 of the encoder, 2 x 2 baselines
    assert counts["default"] == 58
    # the same with 1 backbone, and 2 x 3 of the head with adapters on fewer layers
    assert counts["laptop"] == 32
    # a dataset: 8 x 2 x 9 matched, 2 x 2 x 9 unequal, 8 x 2 untrained, 5 x 9 encoders, 2 others
    # and the main code alone: 3 x 2 x 9, 9 of an encoder, 2 others
    assert counts["paper"] == 2 * (144 + 36 + 16 + 45 + 2) + 54 + 9 + 2
    assert counts["smoke"] == 12
