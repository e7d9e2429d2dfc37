"""What of a store can go: nothing that a board needs, and nothing that is not benchbench's."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from benchbench import BenchbenchError, Outcome
from benchbench.evidence.board import records_on, write_board
from benchbench.evidence.compute import compute_evidence
from benchbench.machine import TEMPORARY, digest, folder_digest
from benchbench.records import all_records, cell_id, key_of
from benchbench.records.attempts import publish
from benchbench.upkeep.needed_attempts import attempts_of
from benchbench.upkeep.removal import remove
from benchbench.upkeep.store_waste import waste_of
from tests.support.building import cell, record
from tests.support.predicted import SYSTEMS, store_of

TEMPORARY_NAME = f"{TEMPORARY}{'ab' * 16}"


@pytest.fixture
def here(tmp_path):
    """A store with a board of all its records."""
    return store_of(tmp_path, SYSTEMS)


def artifacts_of(store, content):
    """Put a fitted model into the store; return its name."""
    made = store.root / "made"
    made.mkdir()
    (made / "weights").write_text(content)
    name = folder_digest(made)
    made.rename(store.folder("artifacts") / name)
    return name


def another(store, of, *, status="ok", identity=None, artifacts=None):
    """Publish one more attempt and return it."""
    identity = identity or {"cell": cell_id(of), "seed": 0}
    one = replace(record(of, identity=identity), status=status, artifacts=artifacts)
    scratch = store.root.parent / f"scratch-{len(all_records(store))}"
    if artifacts:
        (store.folder("artifacts") / artifacts).rename(_made(scratch / "artifacts"))
    return publish(store, Outcome(one, scratch))


def _made(path):
    path.parent.mkdir(parents=True)
    return path


def waste(store, now=time.time):
    return waste_of(store, attempts_of(store), now)


def kinds(removals):
    return sorted(removal.kind for removal in removals)


def test_a_store_whose_records_are_all_on_a_board_has_no_waste(here):
    store, _ = here
    assert all_records(store)
    assert waste(store) == []


def test_what_no_board_shows_goes_with_its_files_and_the_board_stays_as_it_was(here):
    store, board = here
    fewer = replace(board, cells=board.cells[:-1])
    write_board(store, fewer, [])
    before = compute_evidence(store, fewer, records_on(store, fewer))
    gone = board.cells[-1].id
    found = waste(store)
    assert kinds(found) == ["attempts", "predictions"]
    assert all(removal.size > 0 for removal in found)
    assert list(remove(found)) == []
    assert {one.id for one in all_records(store)} == {entry.id for entry in fewer.cells}
    assert not (store.folder("runs") / gone).exists()
    assert waste(store) == []
    assert compute_evidence(store, fewer, records_on(store, fewer)) == before


def test_earlier_failures_go_and_the_attempt_that_counts_stays(here):
    store, board = here
    shown = next(one for one in all_records(store) if one.id == board.cells[0].id)
    late = replace(shown, status="failed", reason="no luck", predictions=None)
    publish(store, Outcome(late, store.root))
    (removal,) = waste(store)
    assert removal.kind == "attempts"
    assert removal.path.name.endswith("-2.json")


def test_a_store_without_a_board_keeps_its_attempts(here):
    store, board = here
    (store.folder("boards") / f"{board.name}.json").unlink()
    assert waste(store) == []


def test_the_fitted_models_of_attempts_that_no_board_shows_go(here):
    store, _ = here
    another(store, cell("claims", "other"), artifacts=artifacts_of(store, "a model"))
    artifacts_of(store, "a model of no record")
    assert kinds(waste(store)) == ["artefacts", "artefacts", "attempts"]


def test_what_a_cell_was_made_of_stays(here):
    store, board = here
    teacher_identity = {"cell": cell_id(cell("claims", "teacher")), "seed": 0}
    teacher = another(store, cell("claims", "teacher"), identity=teacher_identity,
                      artifacts=artifacts_of(store, "a teacher"))  # fmt: skip
    student_cell = cell("claims", "student")
    identity = {"cell": cell_id(student_cell), "seed": 0, "upstream": [teacher.key]}
    student = another(store, student_cell, identity=identity)
    assert kinds(waste(store)) == ["artefacts", "attempts", "attempts"]
    entry = replace(board.cells[0], cell=student_cell, id=student.id, key=key_of(identity))
    write_board(store, replace(board, cells=(*board.cells, entry)), [])
    assert waste(store) == []


@pytest.mark.parametrize("folder", ["runs", "boards"])
def test_what_cannot_be_read_may_be_needed(here, folder):
    store, _ = here
    damaged = next(path for path in store.folder(folder).rglob("*.json"))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(BenchbenchError):
        waste(store)
    assert damaged.exists()


def test_foreign_files_and_links_stay(here, tmp_path):
    store, board = here
    write_board(store, replace(board, cells=board.cells[:1]), [])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    name = digest("linked")
    (store.folder("artifacts") / name).symlink_to(outside)
    (store.folder("predictions") / f"{name}.parquet").symlink_to(outside / "precious")
    (store.root / TEMPORARY_NAME).symlink_to(outside)
    foreign = [
        store.folder("artifacts") / "my-model",
        store.folder("artifacts") / digest("a folder whose content has another digest"),
        store.root / "training-states" / digest("cell") / digest("key"),
    ]
    for folder in foreign:
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("mine")
        os.utime(folder, (0, 0))
    kept = store.folder("predictions") / f"{digest('other content')}.parquet"
    kept.write_text("mine")
    (store.folder("runs") / "notes.txt").write_text("mine")
    list(remove(waste(store)))
    assert (outside / "precious").read_text() == "mine"
    assert all((folder / "notes.txt").exists() for folder in foreign)
    assert kept.exists()
    assert (store.folder("runs") / "notes.txt").exists()
    assert (store.root / TEMPORARY_NAME).is_symlink()


def test_a_linked_folder_of_the_store_is_not_entered(here, tmp_path):
    store, board = here
    write_board(store, replace(board, cells=board.cells[:1]), [])
    store.folder("predictions").rename(tmp_path / "elsewhere")
    store.folder("predictions").symlink_to(tmp_path / "elsewhere")
    assert set(kinds(waste(store))) == {"attempts"}


def state(store, of, key):
    folder = store.root / "training-states" / of / key
    folder.mkdir(parents=True)
    for name in ("lock", "1.json", f"1-{digest('tensors')}.safetensors"):
        (folder / name).write_text("state")
    return folder


def test_states_of_ended_cells_go_and_those_of_cells_that_may_go_on_stay(here):
    store, board = here
    entry = board.cells[0]
    ended = state(store, entry.id, entry.key)
    goes_on = state(store, entry.id, digest("another key of a cell on the board"))
    left = state(store, digest("a cell on no board"), digest("its key"))
    assert {removal.path for removal in waste(store)} == {ended}
    later = time.time() + 25 * 3600
    found = waste(store, lambda: later)
    assert {removal.path for removal in found} == {ended, left}
    assert list(remove(found)) == []
    assert goes_on.exists() and not ended.exists() and not left.parent.exists()


def test_temporaries_go(here):
    store, _ = here
    (store.root / TEMPORARY_NAME).mkdir()
    (store.root / TEMPORARY_NAME / "model").write_text("half")
    (store.folder("boards") / TEMPORARY_NAME).write_text("half")
    (store.root / f"{TEMPORARY}mine").write_text("not a name that benchbench gives")
    assert kinds(waste(store)) == ["temporaries"] * 2
    assert list(remove(waste(store))) == []
    assert (store.root / f"{TEMPORARY}mine").exists()
