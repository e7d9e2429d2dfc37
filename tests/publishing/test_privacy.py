"""What a user's machine is called, and where things lie on it, is in nothing that is published."""

from __future__ import annotations

import json
import re
import socket
import zipfile

import pytest
from click.testing import CliRunner

from benchbench.cli import cli
from benchbench.contract import Cell
from benchbench.machine import read_as
from benchbench.records import cell_id
from tests.support.commands import benchbench

SECRETS = {
    "HTTPS_PROXY": "http://proxy-canary:canary-secret@127.0.0.1:9",
    "HF_TOKEN": "hf_CANARYcanaryCANARYcanary",
    "USER": "user-canary",
    "LOGNAME": "user-canary",
}
NOWHERE = re.compile(rb"canary|/home/|/tmp/|/usr/|site-packages", re.IGNORECASE)
"""What stands in none of the files: every planted text has the word in it."""
FORMS = ("markdown", "html", "csv", "json", "latex")
ROWS = "".join(f"document {i},{'ab'[i % 2]},1\n" for i in range(40))
BAD_ROWS = "x,a,cell-canary\nshort canary\ny,a,'found canary'\n"


def grid(folder):
    """Return a grid with a path in its title, its note and the name of a method."""
    return (
        f'title = "Ours, {folder}/t.csv"\nnote = "See https://me:canary@example.org"\n'
        "[[block]]\nbackbones = []\ndatasets = []\n"
        f'methods = ["majority", "zero-shot", {{use = "faulty", as = "{folder}/x"}}]\n'
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return the content of every file that is published of a run with canaries everywhere."""
    home = tmp_path_factory.mktemp("run") / "home" / "user-canary"
    folder, mine = home / "of-canary" / "canary", home / "grid-canary" / "mine.toml"
    for path, text in (
        (folder / "t.csv", f"text,label,weight\n{ROWS}{BAD_ROWS}"),
        (folder / "my-llama" / "config.json", '{"model_type": "llama"}'),
        (mine, grid(folder)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = benchbench(
        home, "run", "--grid", mine, "--csv", folder / "t.csv", "--text", "text", "--label",
        "label", "--weight", "weight", "--set", "csv.on_bad_row=skip", "--set",
        "csv.max_skipped=0.5", "--backbone", folder / "my-llama", "--set", "fault=told", "--set",
        f"marker={folder / 'marker.txt'}", "--threads", "1", "--offline", "--store",
        folder / "store", "--name", "board", code=1, HOME=str(home), **SECRETS,
    )  # fmt: skip
    told = {"run": done.stdout.encode()}
    words = ("leaderboard", "--store", str(folder / "store"))
    for form in FORMS:
        shown = CliRunner().invoke(cli, [*words, "--format", form], catch_exceptions=False)
        told[form] = shown.output.encode()
    CliRunner().invoke(cli, [*words, "--publish", str(home / "out")], catch_exceptions=False)
    told["board.md"] = (home / "out" / "board.md").read_bytes()
    with zipfile.ZipFile(home / "out" / "board.zip") as archive:
        told |= {name: name.encode() + b"\n" + archive.read(name) for name in archive.namelist()}
    return told


def records_of(published):
    return [
        json.loads(content.split(b"\n", 1)[1])
        for name, content in published.items()
        if name.startswith("runs/")
    ]


def test_nothing_that_is_published_tells_a_path_a_name_a_secret_or_a_skipped_row(published):
    found = {
        name: [content[max(0, hit.start() - 60) : hit.end() + 40] for hit in hits]
        for name, content in published.items()
        if (hits := list(NOWHERE.finditer(content)))
    }
    assert found == {}
    host = socket.gethostname().encode()
    assert not [name for name, content in published.items() if len(host) > 3 and host in content]


def test_what_a_reader_needs_is_still_told(published):
    records = records_of(published)
    assert {record["status"] for record in records} == {"ok", "failed", "skipped"}
    (failed,) = (record for record in records if record["status"] == "failed")
    assert "RuntimeError: http://[HTTPS_PROXY]@127.0.0.1:9 , [HF_TOKEN]" in failed["reason"]
    assert 'File "benchbench/running/worker.py", line' in failed["provenance"]["traceback"]
    assert failed["cell"]["method"]["name"] == "x"
    (skipped,) = (record for record in records if record["status"] == "skipped")
    assert skipped["cell"]["backbone"]["use"] == "./my-llama"
    assert skipped["reason"].startswith("my-llama: no *.safetensors")
    (dataset,) = (text for name, text in published.items() if name.startswith("datasets/"))
    assert json.loads(dataset.split(b"\n", 1)[1])["report"]["skipped"] == [
        "t.csv:42: 'weight': expected a number of at least 0",
        "t.csv:43: expected 3 fields",
        "t.csv:44: 'weight': expected a number of at least 0",
    ]


def test_the_id_of_every_record_is_the_hash_of_the_cell_that_it_holds(published):
    for record in records_of(published):
        assert cell_id(read_as(Cell, record["cell"])) == record["id"]
