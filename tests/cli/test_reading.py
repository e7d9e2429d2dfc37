"""Reading commands execute nothing that a record names: no import, no process, no socket."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from benchbench import Outcome, Reference
from benchbench.evidence.board import read_description, records_on, write_board
from benchbench.publishing.publication import publish_board
from benchbench.records.attempts import publish
from benchbench.records.identity import cell_id, key_of
from benchbench.records.store import open_store
from tests.support.predicted import SYSTEMS, store_of

READ = """
import os, sys
from contextlib import redirect_stdout
import io
from benchbench.cli import cli

plain, hostile, planted = sys.argv[1:4]
WATCHED = ("import", "exec", "compile", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
           "os.system", "subprocess.Popen", "socket.", "ctypes.", "urllib.", "pickle.find_class")
events, armed = [], False


def hook(event, arguments):
    if armed and event.startswith(WATCHED):
        events.append((event, str(arguments)[:200]))


def read(folder):
    store = folder + "/store"
    commands = [["ls", "runs", "--store", store], ["verify", folder + "/out"], ["verify", store],
                ["compare", store, folder + "/out/board.zip"]]
    for form in ("terminal", "markdown", "html", "csv", "json", "latex"):
        commands.append(["leaderboard", "board", "--store", store, "--format", form])
    ids = sorted(os.listdir(store + "/runs"))[:2]
    commands.append(["compare", *ids, "--store", store])
    out = io.StringIO()
    with redirect_stdout(out):
        for command in commands:
            cli.main(command, standalone_mode=False)
    return out.getvalue()


# what the libraries load when they are first used has no part in this
read(plain)
sys.addaudithook(hook)
armed = True
if planted == "planted":
    __import__("marker")
text = read(hostile)
armed = False
assert "marker" in text
print(len(events), events[:5])
"""


def poisoned(folder, marker):
    """Lay out a store and a publication in which every text is a module that leaves a trace."""
    folder.mkdir()
    store, board = store_of(folder, SYSTEMS[::2])
    records = list(records_on(store, board).values())
    names = [str(marker), "marker", "marker:plugin", "__import__('marker')", f"file://{marker}"]
    clean = open_store(folder / "second")
    cells = []
    for number, one in enumerate(records):
        name = names[number % len(names)]
        noun = Reference(name, name, {name: name})
        of = replace(one.cell, dataset=noun, method=noun, backbone=noun)
        identity = {**one.identity, name: name, "weights": name, "plugins": {name: name}}
        fresh = replace(
            one,
            cell=of,
            id=cell_id(of),
            identity=identity,
            key=key_of(identity),
            reason=name,
            facts={name: name, "class": name},
            guards={name: name},
            provenance={"benchbench": name, "packages": {"torch": name}, "plugins": {name: name}},
        )
        source = store.folder("predictions") / f"{one.predictions}.parquet"
        shutil.copy(source, folder / "predictions.parquet")
        publish(clean, Outcome(fresh, folder))
        cells.append(replace(board.cells[number], cell=of, id=fresh.id, key=fresh.key))
    (facts,) = board.datasets.values()
    described = read_description(store, facts.fingerprint)
    warned = replace(facts, warnings=(str(marker),))
    datasets = {entry.cell.dataset.name: warned for entry in cells}
    made = replace(board, cells=tuple(cells), datasets=datasets, command=str(marker))
    made = replace(made, title=str(marker), note=str(marker), dropped=(str(marker),))
    write_board(clean, made, [described])
    store.root.rename(folder / "first")
    clean.root.rename(folder / "store")
    publish_board(replace(clean, root=folder / "store"), "board", folder / "out")


@pytest.mark.parametrize(("planted", "expected"), [("none", False), ("planted", True)])
def test_every_reading_command_runs_nothing_that_a_record_names(tmp_path, planted, expected):
    marker = tmp_path / "modules" / "marker.py"
    marker.parent.mkdir()
    marker.write_text(f"open({str(tmp_path / 'trace')!r}, 'w').close()\n")
    for name in ("plain", "hostile"):
        poisoned(tmp_path / name, marker)
    code = f"import sys; sys.path.insert(0, {str(marker.parent)!r})\n{READ}"
    command = [sys.executable, "-c", code, str(tmp_path / "plain"), str(tmp_path / "hostile"),
               planted]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert (not answer.stdout.startswith("0 ")) == expected, answer.stdout
    assert (tmp_path / "trace").exists() == expected
