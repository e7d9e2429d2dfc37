"""Published leaderboards: publishing twice gives equal bytes, and every change is noticed."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from benchbench.contract.errors import StoreError
from benchbench.contract.executor import Outcome
from benchbench.evidence.board import records_on, write_board
from benchbench.machine import canonical, digest
from benchbench.publishing.publication import check_folder, publish_board, unpacked
from benchbench.records.attempts import publish
from tests.support.building import board, cell, record
from tests.support.commands import benchbench
from tests.support.forging import repack
from tests.support.predicted import store_of


@pytest.fixture
def store(tmp_path):
    """Return a store with a board of three cells: one failed and one was never run."""
    store, made = store_of(tmp_path, (("head", "llama", 2.0, 1),))
    failed = publish(store, Outcome(record(cell(method="other"), status="failed"), tmp_path))
    records = [*records_on(store, made).values(), failed]
    whole = board(records, missing=[cell(method="third")], datasets=made.datasets)
    write_board(store, whole, ())
    return store


@pytest.fixture
def published(store, tmp_path):
    publish_board(store, "board", tmp_path / "published")
    return tmp_path / "published"


def faults(folder):
    return [fault for _, fault in check_folder(folder)]


def test_a_published_leaderboard_has_no_faults_and_publishing_again_gives_equal_bytes(
    store, published
):
    assert faults(published) == [""]
    before = {path.name: path.read_bytes() for path in published.iterdir()}
    assert sorted(before) == ["board.md", "board.zip"]
    publish_board(store, "board", published)
    assert {path.name: path.read_bytes() for path in published.iterdir()} == before


def test_the_archive_is_a_store_with_all_that_the_board_needs(store, published):
    with unpacked(published / "board.zip") as copy:
        names = {path.relative_to(copy.root).parts[0] for path in copy.root.rglob("*.*")}
        assert names == {"boards", "datasets", "evidence", "predictions", "runs"}
        assert len(list(copy.root.glob("runs/*/*.json"))) == 2
        root = copy.root
    assert not root.exists()


def test_one_changed_byte_of_the_markdown_is_noticed_and_its_line_is_named(published):
    path = published / "board.md"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"| 0.", b"| 9.", 1))
    (fault,) = faults(published)
    assert "but the records give" in fault
    assert "| 9." in fault
    path.write_bytes(whole + b"\n")
    assert "longer or shorter" in faults(published)[0]


def test_one_changed_number_in_a_record_is_noticed(published):
    def change(name, content):
        return content.replace(b"2.5", b"3.5") if name.startswith("runs/") else content

    repack(published, change)
    assert "damaged records: 1" in faults(published)[0]


def test_a_value_changed_together_with_its_checksum_is_noticed_in_the_markdown(published):
    def change(name, content):
        if not name.startswith("evidence/"):
            return content
        data = json.loads(content)
        data.pop("sha256")
        for run in data["values"].values():
            run["test"]["macro_f1"] /= 2
        return canonical(data | {"sha256": digest(data)})

    repack(published, change)
    assert "but the records give" in faults(published)[0]


def test_predictions_that_do_not_match_their_sha256_are_noticed(published):
    def change(name, content):
        return content + b"!" if name.startswith("predictions/") else content

    repack(published, change)
    assert "does not match its sha256" in faults(published)[0]


def test_a_missing_record_or_board_is_noticed(published):
    def keep(*parts):
        return lambda name, content: content if name.split("/")[0] not in parts else None

    repack(published, keep("runs", "predictions"))
    assert "but the records give" in faults(published)[0]
    repack(published, keep("boards"))
    assert "board" in faults(published)[0].lower()


@pytest.mark.parametrize(
    "name",
    ["../evil.json", "/boards/board.json", "boards/../x.json", "boards/a/b.json", "notes.txt",
     "runs/x/y.json", "artifacts/model.safetensors", "boards\\evil.json"],
)  # fmt: skip
def test_names_that_an_archive_cannot_have_are_refused(published, tmp_path, name):
    with zipfile.ZipFile(published / "board.zip", "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    (fault,) = faults(published)
    assert "is not part of a leaderboard" in fault
    assert not list(tmp_path.rglob("evil*"))


def test_a_decompression_bomb_and_a_damaged_archive_are_refused(published):
    whole = (published / "board.zip").read_bytes()
    with zipfile.ZipFile(published / "board.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("boards/bomb.json", bytes(5_000_000))
    assert "too large unpacked" in faults(published)[0]
    (published / "board.zip").write_bytes(whole[:-30])
    assert "damaged" in faults(published)[0]


@pytest.mark.parametrize(
    ("missing", "fault"), [("board.md", "its markdown board.md"), ("board.zip", "its archive")]
)
def test_a_missing_markdown_or_archive_is_noticed(published, missing, fault):
    (published / missing).unlink()
    assert fault in faults(published)[0]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a-folder", "a-pipe"])
def test_a_markdown_that_is_no_file_is_named_and_not_waited_for(published, make):
    (published / "board.md").unlink()
    make(published / "board.md")
    (fault,) = faults(published)
    assert fault.startswith("it cannot be read: ")


def test_a_folder_without_leaderboards_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no leaderboard is published here"):
        list(check_folder(tmp_path))


def test_the_commands_publish_and_check(store, tmp_path):
    done = benchbench(tmp_path, "leaderboard", "board", "--store", store.root, "--publish", "out")
    assert "out/board.md, out/board.zip" in done.stdout.replace("\n", " ")
    done = benchbench(tmp_path, "leaderboard", "--check", "out")
    assert done.stdout == "board.md: is what its records give\n"
    (tmp_path / "out" / "board.md").write_text("nonsense")
    done = benchbench(tmp_path, "leaderboard", "--check", "out", code=1)
    assert "line 1 is 'nonsense', but the records give" in done.stdout.replace("\n", " ")
