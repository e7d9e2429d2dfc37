"""What the command line replaces is said, and what the grid says of the same member is kept."""

from __future__ import annotations

from benchbench.grids.expansion import expand
from benchbench.grids.grid import Overrides
from benchbench.grids.references import find_backbone, find_dataset, find_method
from tests.support.grids import CATALOG, block, read

SMALL = "{use = 'claims', limit = 150, path = 'there'}"
TEXT = block(f"{SMALL}", "'tfidf'") + block(f"{SMALL}, {{use = 'patents', limit = 150}}")


def replaced(folder, text, **overrides):
    """Return (the line of the grid, the parameters of each dataset of its cells)."""
    asked = Overrides(**overrides)
    grid = read(folder, text, asked)
    cells = expand(grid, asked).cells
    return grid.replaced, {cell.dataset.name: dict(cell.dataset.params) for cell in cells}


def test_a_dataset_of_the_grid_keeps_what_the_grid_says_of_it(tmp_path):
    lines, params = replaced(tmp_path, TEXT, datasets=(find_dataset("claims", CATALOG),))
    assert lines == (
        "--dataset claims takes the place of the grid's datasets (claims, patents); "
        "kept: limit = 150, path = there.",
    )
    assert params == {"claims": {"limit": 150, "path": "there"}}


def test_another_dataset_keeps_the_limit_that_all_have_and_nothing_else(tmp_path):
    text = block(f"{SMALL}", "'tfidf'")
    lines, params = replaced(tmp_path, text, datasets=(find_dataset("patents", CATALOG),))
    assert lines[0].endswith("kept: limit = 150; dropped: path = there.")
    assert params == {"patents": {"limit": 150}}
    text += block("{use = 'claims', as = 'whole'}", "'tfidf'")
    lines, params = replaced(tmp_path, text, datasets=(find_dataset("patents", CATALOG),))
    assert lines[0].endswith("(claims); dropped: limit = 150, path = there.")
    assert params == {"patents": {}}


def test_nothing_is_said_where_nothing_is_replaced(tmp_path):
    dataset, method = find_dataset("claims", CATALOG), find_method("tfidf", CATALOG)
    text = block("", "'head', 'tfidf'", "")
    lines, _ = replaced(tmp_path, text, datasets=(dataset,), methods=(method,))
    assert lines == ("--method tfidf takes the place of the grid's methods (head, tfidf).",)


def test_a_backbone_that_no_method_takes_is_told(tmp_path):
    asked = Overrides(
        methods=(find_method("tfidf", CATALOG),), backbones=(find_backbone("llama", CATALOG),)
    )
    expansion = expand(read(tmp_path, block(), asked), asked)
    assert expansion.dropped == ("backbone llama: none of the methods takes a backbone",)


def test_a_name_made_of_a_path_is_the_name_of_its_file_and_brackets_stay(tmp_path):
    text = block("{use = 'claims', as = '/of/some one/x'}, {use = 'patents', as = 'x[/y]'}")
    cells = expand(read(tmp_path, text), Overrides()).cells
    assert [cell.dataset.name for cell in cells] == ["x", "x[/y]"]
