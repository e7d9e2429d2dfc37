"""What of the caches benchbench wrote: entries with a manifest that fits, and nothing else."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from benchbench.kit.cache import cached, enabled
from benchbench.kit.file_cache import keep_files
from benchbench.machine import canonical, digest, write_contents
from benchbench.upkeep.cache_entries import cache_usage, entries_of, temporaries_of_cache

NAME = digest("an entry")


def sent(cache):
    folder = cache / "sent" / "corpora" / NAME
    (folder / "content").mkdir(parents=True)
    (folder / "content" / "rows").write_text("rows")
    write_contents(folder, ["content/rows"])
    return folder


def corpus(cache):
    folder = cache / "corpora" / NAME
    folder.mkdir(parents=True)
    (folder / "train.arrow").write_text("rows")
    write_contents(folder, ["train.arrow"])
    return folder


def table(cache):
    with enabled(cache):
        cached("features", {"a": 1}, lambda: pa.table({"x": [1]}))
    return next((cache / "features").iterdir())


def files(cache):
    def make(folder):
        (folder / "weights").write_text("weights")

    with enabled(cache):
        return keep_files("quantized", {"a": 1}, make, size=10, most=1 << 20)


def calibration(cache):
    path = cache / "calibrations" / f"{NAME}.json"
    path.parent.mkdir(parents=True)
    content = {"rates": {"128": 1.0}}
    path.write_bytes(canonical({**content, "sha256": digest(content)}))
    return path


MADE = {"sent": sent, "corpora": corpus, "features": table, "quantized": files,
        "calibrations": calibration}  # fmt: skip


@pytest.mark.parametrize("kind", MADE)
def test_every_kind_of_entry_is_known_and_measured(tmp_path, kind):
    entry = MADE[kind](tmp_path)
    (removal,) = entries_of(tmp_path, kind)
    assert (removal.path, removal.kind) == (entry, f"cache: {kind}")
    (usage,) = cache_usage(tmp_path)
    assert (usage.kind, usage.entries) == (kind, 1)
    assert usage.size == removal.size > 0


def foreign_file(entry):
    (entry / "notes.txt").write_text("mine")


def changed_manifest(entry):
    for name in ("entry.json", "contents.json"):
        if (entry / name).exists():
            content = json.loads((entry / name).read_bytes())
            (entry / name).write_bytes(canonical({**content, "more": 1}))


def a_link(entry):
    (entry / "content").unlink(missing_ok=True)
    (entry / "elsewhere").symlink_to(entry.parent)


def another_name(entry):
    entry.rename(entry.with_name("mine"))


@pytest.mark.parametrize("spoil", [foreign_file, changed_manifest, a_link, another_name])
@pytest.mark.parametrize("kind", ["corpora", "features", "quantized"])
def test_what_is_not_as_benchbench_wrote_it_is_left_alone(tmp_path, kind, spoil):
    spoil(MADE[kind](tmp_path))
    assert list(entries_of(tmp_path, kind)) == []
    assert cache_usage(tmp_path)[0].entries == 1


def test_temporaries_of_a_cache_are_no_entries(tmp_path):
    name = f".benchbench-tmp-{'0f' * 16}"
    for folder in (tmp_path, tmp_path / "features", tmp_path / "sent" / "corpora"):
        (folder / name).mkdir(parents=True)
    assert len(list(temporaries_of_cache(tmp_path))) == 3
    assert sum(usage.entries for usage in cache_usage(tmp_path)) == 0


def test_a_cache_that_is_not_there_is_empty(tmp_path):
    assert cache_usage(tmp_path / "none") == []
