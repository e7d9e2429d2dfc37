"""Output formats: found by their files, each a `FORMAT`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchbench.contract.errors import BenchbenchError, UnknownName
from benchbench.render import formats
from benchbench.render.output_format import OutputFormat, format_names, load_format

NAMES = ("csv", "html", "json", "latex", "markdown", "terminal")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A further folder of formats, as if its files lay in `benchbench/render/formats`."""
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("benchbench.render.formats.own_")]:
        del sys.modules[name]


def test_the_formats_are_the_files_of_their_folder():
    assert format_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_format_says_in_a_phrase_what_it_writes(name):
    declared = load_format(name)
    assert isinstance(declared, OutputFormat)
    assert declared.help and "\n" not in declared.help and not declared.help.endswith(".")


def test_a_new_file_is_a_new_format(folder):
    (folder / "own_title.py").write_text(
        "from benchbench.render import OutputFormat\n"
        "FORMAT = OutputFormat('the title', lambda board: board.title)\n"
    )
    assert format_names() == (*NAMES, "own_title")
    assert load_format("own_title").help == "the title"


def test_the_table_is_handed_to_formats_that_take_one():
    whole = OutputFormat("all", lambda board: f"{board}")
    table = OutputFormat("a table", lambda board, key: f"{board} {key}", takes_table=True)
    assert whole.text("board", "pairs") == "board"
    assert table.text("board", "pairs") == "board pairs"


def test_an_unknown_format_is_an_error_that_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"'htm'. Did you mean 'html'\? Available: csv, html"):
        load_format("htm")


def test_a_file_without_a_format_is_an_error_that_names_it(folder):
    (folder / "own_empty.py").write_text("")
    with pytest.raises(BenchbenchError, match=r"own_empty\.py: no FORMAT"):
        load_format("own_empty")


def test_no_format_is_imported_to_list_them_all():
    program = (
        "import sys\n"
        "from benchbench.render import format_names\n"
        "assert len(format_names()) == 6\n"
        "print([name for name in sys.modules if name.startswith('benchbench.render.formats.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
