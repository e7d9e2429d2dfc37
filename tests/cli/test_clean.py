"""`benchbench clean` as a user meets it: it shows first, asks for --yes, and never beside a run."""

from __future__ import annotations

import os
from dataclasses import replace

from benchbench.evidence.board import write_board
from benchbench.machine import held_together
from benchbench.records import all_records
from tests.support.commands import benchbench, environment
from tests.support.predicted import SYSTEMS, store_of


def narrowed(tmp_path):
    """Return a store whose board shows all but one of its records."""
    store, board = store_of(tmp_path, SYSTEMS)
    write_board(store, replace(board, cells=board.cells[:-1]), [])
    return store


def test_without_yes_nothing_goes_and_with_it_what_was_shown(tmp_path):
    store = narrowed(tmp_path)
    before = len(all_records(store))
    shown = benchbench(tmp_path, "clean", "--store", "store", COLUMNS="80").stdout
    assert "attempts" in shown and "predictions" in shown
    assert "Nothing was removed. With --yes" in shown
    assert len(all_records(store)) == before
    done = benchbench(tmp_path, "clean", "--store", "store", "--yes").stdout
    assert "Removed: " in done
    assert len(all_records(store)) == before - 1
    assert "nothing to remove" in benchbench(tmp_path, "clean", "--store", "store").stdout
    benchbench(tmp_path, "leaderboard", "board", "--store", "store")


def test_beside_a_run_it_refuses_in_one_line(tmp_path):
    store = narrowed(tmp_path)
    with held_together(store.root):
        done = benchbench(tmp_path, "clean", "--store", "store", "--yes", code=2)
    assert done.stderr.count("\n") == 1
    assert "is in use by a run" in done.stderr


def test_a_run_holds_its_store_and_the_cache(tmp_path):
    """The watcher of a stranger's plugin tries to hold both alone while a cell runs."""
    plugin = tmp_path / "plugins"
    info = plugin / "prying-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: prying\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[benchbench]\nprying = prying\n")
    (plugin / "prying.py").write_text(
        "from pathlib import Path\n"
        "from benchbench import hookimpl\n"
        "@hookimpl\n"
        "def benchbench_cell_started(cell, position, total):\n"
        "    from benchbench.machine import held_alone\n"
        "    faults = []\n"
        "    for name in ('runs', 'cache'):\n"
        "        try:\n"
        "            with held_alone(Path(name)):\n"
        "                pass\n"
        "        except Exception as error:\n"
        "            faults.append(error)\n"
        "    raise RuntimeError(' '.join(map(str, faults)))\n"
    )
    words = ("run", "--dataset", "weather", "--method", "majority", "--store", "runs")
    path = f"{plugin}{os.pathsep}{environment(tmp_path)['PYTHONPATH']}"
    done = benchbench(tmp_path, *words, PYTHONPATH=path)
    assert "watcher 'prying' raised RuntimeError" in " ".join(done.stderr.split())
    assert "runs is in use by a run" in done.stderr
    assert "cache is in use by a run" in done.stderr


def test_caches_go_where_they_are_named(tmp_path):
    words = ("run", "--dataset", "weather", "--method", "majority", "--store", "runs")
    benchbench(tmp_path, *words)
    listed = benchbench(tmp_path, "ls", "caches").stdout
    assert "corpora" in listed and "benchbench clean --cache KIND" in listed
    assert "Caches hold" in benchbench(tmp_path, "clean", "--store", "runs").stdout
    assert "Did you mean 'corpora'?" in benchbench(
        tmp_path, "clean", "--store", "runs", "--cache", "corpus", code=2
    ).stderr  # fmt: skip
    benchbench(tmp_path, "clean", "--store", "no-store", "--cache", "corpora", "--yes")
    assert list((tmp_path / "cache" / "corpora").iterdir()) == []
    benchbench(tmp_path, *words)  # made again


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    assert "is not a store" in benchbench(tmp_path, "clean", code=2).stderr


def test_ids_of_runs_stay_whole_at_80_columns(tmp_path):
    store, _ = store_of(tmp_path, SYSTEMS)
    listed = benchbench(tmp_path, "ls", "runs", "--store", "store", COLUMNS="80").stdout
    for record in all_records(store):
        assert record.id[:12] in listed
    assert max(map(len, listed.splitlines())) <= 80
    assert listed.count("KiB") == len(all_records(store))
