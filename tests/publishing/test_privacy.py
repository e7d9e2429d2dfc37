"""What a user's machine is called, and where things lie on it, is in nothing that is published."""

from __future__ import annotations

import json
import re
import socket
import zipfile

import pytest

from benchbench.contract import Cell
from benchbench.records import cell_id
from tests.support.commands import benchbench

PLACES = {
    "HTTPS_PROXY": "http://proxy-canary:canary-secret@127.0.0.1:9",
    "HF_TOKEN": "hf_CANARYcanaryCANARYcanary",
    "USER": "user-canary",
    "LOGNAME": "user-canary",
}
NOWHERE = re.compile(rb"canary|/home/|/tmp/|/usr/|site-packages", re.IGNORECASE)
"""What stands in none of the files: every planted text has the word in it."""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return the content of every file that is published of a run with canaries everywhere."""
    home = tmp_path_factory.mktemp("run") / "home" / "user-canary"
    folder = home / "folder canary" / "canary"
    hub, model = folder / "news", folder / "my-llama"
    for place in (hub, model):
        place.mkdir(parents=True)
    rows = "".join(f"document {i},{'ab'[i % 2]},1\n" for i in range(40))
    (folder / "t.csv").write_text(
        "text,label,weight\n" + rows + "x,a,cell-canary\nshort canary\ny,a,'found canary'\n"
    )
    (hub / "train.csv").write_text("text,label\n" + "".join(rows.replace(",1\n", "\n")))
    (model / "config.json").write_text('{"model_type": "llama"}')
    (home / "grid-canary").mkdir()
    (home / "grid-canary" / "mine.toml").write_text(
        f'title = "Ours at {folder}"\nnote = "See https://me:canary@example.org"\n'
        "[[block]]\nbackbones = []\ndatasets = []\n"
        'methods = ["majority", "zero-shot", {use = "faulty", as = "%s/x"}]\n' % folder
    )
    done = benchbench(
        home, "run", "--grid", home / "grid-canary" / "mine.toml",
        "--csv", folder / "t.csv", "--text", "text", "--label", "label", "--weight", "weight",
        "--dataset", "hub", "--set", f"hub.path={hub}", "--set", "csv.on_bad_row=skip",
        "--set", "csv.max_skipped=0.5", "--backbone", model, "--set", "fault=told",
        "--set", f"marker={folder / 'marker.txt'}", "--threads", "1", "--offline",
        "--store", folder / "store", "--name", "board", code=1, HOME=str(home), **PLACES,
    )  # fmt: skip
    assert "2 failed" not in done.stderr
    forms = ("markdown", "html", "csv", "json", "latex")
    told = {
        form: benchbench(
            home, "leaderboard", "--store", folder / "store", "--format", form,
        ).stdout.encode()
        for form in forms[1:2]
    }  # fmt: skip
    from click.testing import CliRunner

    from benchbench.cli import cli

    runner = CliRunner()
    for form in forms:
        words = ["leaderboard", "--store", str(folder / "store"), "--format", form]
        told[form] = runner.invoke(cli, words, catch_exceptions=False).output.encode()
    words = ["leaderboard", "--store", str(folder / "store"), "--publish", str(home / "out")]
    runner.invoke(cli, words, catch_exceptions=False)
    told["board.md"] = (home / "out" / "board.md").read_bytes()
    with zipfile.ZipFile(home / "out" / "board.zip") as archive:
        for info in archive.infolist():
            told[info.filename] = info.filename.encode() + archive.read(info)
    return told


def test_no_canary_is_in_any_published_file(published):
    found = {
        name: [content[max(0, m.start() - 60) : m.end() + 40] for m in NOWHERE.finditer(content)]
        for name, content in published.items()
    }
    assert {name: hits for name, hits in found.items() if hits} == {}
    host = socket.gethostname().encode()
    assert not [name for name, content in published.items() if len(host) > 3 and host in content]


def test_what_may_be_told_is_told(published):
    records = [json.loads(text) for name, text in published.items() if name.startswith("runs/")]
    assert records == records
