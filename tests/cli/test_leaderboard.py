"""`benchbench leaderboard`: in every format, of a store and of an archive."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.commands import benchbench, environment
from tests.support.predicted import store_of

SHOUT = '''"""A leaderboard as its title in capitals."""

from benchbench.render import OutputFormat

FORMAT = OutputFormat("the title in capitals", lambda board: board.title.upper() + "\\n")
'''
WITH_A_FOLDER = """
import sys
from benchbench.render import formats

formats.__path__.append(sys.argv.pop(1))
from benchbench.cli import main

main()
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The folder of a store with one board."""
    return store_of(tmp_path_factory.mktemp("store"))[0].root


def test_every_text_format_is_printed_and_written_alike(store, tmp_path):
    for name in ("markdown", "html", "csv", "json", "latex"):
        out = tmp_path / f"board.{name}"
        benchbench(tmp_path, "leaderboard", "--store", store, "--format", name, "--output", out)
        printed = benchbench(tmp_path, "leaderboard", "--store", store, "--format", name).stdout
        assert out.read_text(encoding="utf-8").replace("\r\n", "\n") == printed


def test_an_unknown_table_is_an_error_that_lists_the_known_ones(store, tmp_path):
    done = benchbench(tmp_path, "leaderboard", "--store", store, "--format", "csv", "--table", "x",
                      code=2)  # fmt: skip
    assert "no such table. Available: ranking, " in done.stderr


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("board.html", "<!DOCTYPE html>"), ("board.csv", "dataset,place,"), ("board.json", "{"),
     ("board.tex", "%"), ("board.md", "# "), ("board", "# ")],
)  # fmt: skip
def test_the_name_of_the_file_says_the_format_where_no_other_is_asked_for(
    store, tmp_path, name, beginning
):
    words = ("leaderboard", "--store", store, "--output", name)
    benchbench(tmp_path, *words)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(beginning)
    benchbench(tmp_path, *words, "--format", "markdown")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith("# ")


def test_a_table_is_for_the_formats_that_show_one_alone(store, tmp_path):
    words = ("leaderboard", "--store", store, "--table", "confusions", "--format")
    printed = benchbench(tmp_path, *words, "terminal", COLUMNS="100").stdout
    assert "claims: Confusions" in printed and "taken for" in printed
    assert "is first" not in printed
    assert benchbench(tmp_path, *words, "csv").stdout.startswith("dataset,place,method,backbone,")
    done = benchbench(tmp_path, *words, "markdown", code=2)
    assert "--format markdown shows no single table; take --format csv" in done.stderr


def test_the_report_says_what_is_wrong_also_from_an_archive(store, tmp_path):
    benchbench(tmp_path, "leaderboard", "--store", store, "--publish", "out")
    [archive] = (tmp_path / "out").glob("*.zip")
    for source in (store, archive):
        html = benchbench(tmp_path, "leaderboard", "--store", source, "--format", "html").stdout
        assert "Documents that head · llama · claims · seed" in html
        assert "Labels that may be wrong" in html


def test_the_terminal_format_is_printed_and_never_written(store, tmp_path):
    words = ("leaderboard", "--store", store, "--format", "terminal")
    assert "macro-F1" in benchbench(tmp_path, *words, COLUMNS="200").stdout
    done = benchbench(tmp_path, *words, "--output", "board.txt", code=2)
    assert done.stderr.splitlines()[-1] == (
        "benchbench: --format terminal writes to no file; leave --output out."
    )
    assert not (tmp_path / "board.txt").exists()


def test_the_archive_of_a_publication_is_read_like_a_store(store, tmp_path):
    benchbench(tmp_path, "leaderboard", "--store", store, "--publish", "out")
    done = benchbench(tmp_path, "leaderboard", "--store", "out/board.zip", "--format", "markdown")
    assert done.stdout == (tmp_path / "out" / "board.md").read_text(encoding="utf-8")


@pytest.fixture
def with_shout(tmp_path):
    """Return a function that runs `benchbench` where a folder of formats has one more file."""
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "shout.py").write_text(SHOUT)

    def run(*words):
        command = [sys.executable, "-c", WITH_A_FOLDER, str(folder), *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
        )

    return run


def test_a_format_is_added_by_one_file(with_shout, store, tmp_path):
    done = with_shout("leaderboard", "--store", store, "--format", "shout")
    assert done.stdout == "A BOARD\n", done.stderr
    with_shout("leaderboard", "--store", store, "--format", "shout", "--output", "board.txt")
    assert (tmp_path / "board.txt").read_text() == "A BOARD\n"


def test_help_and_errors_know_an_added_format(with_shout, store):
    text = with_shout("leaderboard", "--help").stdout
    assert "shout" in text and "the title in capitals" in text
    refused = with_shout("leaderboard", "--store", store, "--format", "shoutt")
    assert refused.returncode == 2
    assert "'shout'" in refused.stderr and "'terminal'" in refused.stderr
