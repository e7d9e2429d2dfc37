"""Caches as a user meets them: shared by cells, listed, switched off, damaged and deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbench.records.store import Store, all_records
from tests.support.commands import benchbench
from tests.support.models import write_model

MESSAGES = Path(__file__).parent.parent / "data" / "messages.csv"
GRID = f"""
[[block]]
datasets = [{{use = "csv", as = "messages", path = "{MESSAGES}", text = "text", label = "topic"}}]
backbones = ["./small"]
methods = [{{use = "frozen-embedding", as = "strong", c = 0.01}},
           {{use = "frozen-embedding", as = "weak", c = 1.0}}]
"""


def run(folder, store, *words):
    benchbench(folder, "run", "--grid", "g.toml", "--limit", 60, "--store", store, *words)
    return {r.cell.method.name: r for r in all_records(Store(folder / store))}


def files(folder):
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder where a grid was run with a cache, then with none, and what became of both."""
    folder = tmp_path_factory.mktemp("caches")
    write_model(folder / "small", [MESSAGES.read_text(encoding="utf-8")])
    (folder / "g.toml").write_text(GRID)
    shared = run(folder, "shared", "--jobs", "1", "--threads", "1")
    before = files(folder / "cache")
    alone = run(folder, "alone", "--jobs", "2", "--threads", "1", "--no-cache")
    return folder, shared, alone, before


def test_cells_that_share_features_say_so_and_cost_what_they_would_alone(here):
    _, shared, alone, _ = here
    hits = {name: record.cost["cache_hits"] for name, record in shared.items()}
    assert sorted(hits.values()) == [1, 4], "training, validation twice, test: the second its own"
    one = max(shared.values(), key=lambda record: record.cost["cache_hits"])
    assert (
        0
        < one.cost["cache_seconds"]
        < sum(
            one.cost[f"{stage}_seconds"] for stage in ("fit", "predict_validation", "predict_test")
        )
    )
    assert {(r.cost["cache_hits"], r.cost["cache_seconds"]) for r in alone.values()} == {(0, 0)}


def test_without_caches_every_number_is_the_same(here):
    _, shared, alone, _ = here
    assert set(shared) == set(alone) == {"strong", "weak"}
    for name, record in shared.items():
        assert record.status == "ok"
        assert record.key == alone[name].key
        assert record.predictions == alone[name].predictions


def test_no_cache_neither_writes_one_nor_leaves_a_folder(here):
    folder, _, _, before = here
    assert before
    assert files(folder / "cache") == before
    assert not [path.name for path in (folder / "alone").iterdir() if "tmp" in path.name]


def test_features_that_cannot_be_kept_are_computed_and_told_once(here):
    folder, shared, *_ = here
    (folder / "full").mkdir(mode=0o700)
    (folder / "full" / "features").write_text("a file where the folder of features should be")
    done = benchbench(folder, "run", "--grid", "g.toml", "--limit", 60, "--store", "full-runs",
                      "--jobs", "1", "--threads", "1", BENCHBENCH_CACHE="full")  # fmt: skip
    assert done.stderr.count("the cache keeps nothing more (File exists)") == 1
    for record in all_records(Store(folder / "full-runs")):
        assert record.predictions == shared[record.cell.method.name].predictions
        assert record.provenance["cache_fault"] == "File exists"


def test_ls_tells_what_there_is_and_how_to_free_it(here):
    folder = here[0]
    done = benchbench(folder, "ls", "caches")
    rows = {line.split("│")[1].strip(): line for line in done.stdout.splitlines() if "│" in line}
    assert set(rows) == {"corpora", "features"}
    assert "│ 1 " in rows["corpora"]
    assert "│ 3 " in rows["features"]
    assert f"{folder / 'cache'}; BENCHBENCH_CACHE names another folder" in done.stdout
    assert "delete the folder" in done.stdout


def test_ls_of_caches_that_are_not_there_is_an_empty_table(tmp_path):
    assert "delete the folder" in benchbench(tmp_path, "ls", "caches").stdout


def cut_short(corpus):
    data = (corpus / "train.arrow").read_bytes()
    (corpus / "train.arrow").write_bytes(data[: len(data) // 2])


DAMAGES = {
    "rows-cut-short": cut_short,
    "no-rows": lambda corpus: (corpus / "test.arrow").unlink(),
    "facts-cut-short": lambda corpus: (corpus / "corpus.json").write_text("{"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_corpus_that_is_not_whole_is_read_again(tmp_path, monkeypatch, name):
    from benchbench.catalog.lookup import load_catalog
    from benchbench.contract.cell import Reference
    from benchbench.planning.preparation import prepare

    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    reference = Reference(
        "csv", "messages", {"path": str(MESSAGES), "text": "text", "label": "topic"}
    )
    first = prepare(reference, load_catalog())
    whole = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    DAMAGES[name](first.folder)
    assert prepare(reference, load_catalog()).fingerprint == first.fingerprint
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == whole
