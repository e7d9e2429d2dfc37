"""Verification: undamaged files agree, and every planted change is noticed and named."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.contract.errors import StoreError
from benchbench.publishing.differences import differing
from benchbench.publishing.publication import publish_board
from benchbench.publishing.verification import Finding, verify
from tests.support.commands import benchbench
from tests.support.forging import predictions, repack, resealed
from tests.support.predicted import store_of


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return the files of a publication, by name."""
    folder = tmp_path_factory.mktemp("published")
    store, _ = store_of(folder)
    publish_board(store, "board", folder / "out")
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


@pytest.fixture
def published(original, tmp_path):
    for name, content in original.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def wrong(folder):
    return [finding.line for finding in verify(folder) if finding.faults]


def test_a_published_leaderboard_agrees_record_by_record(published):
    lines = [finding.line for finding in verify(published)]
    assert wrong(published) == []
    assert sum("values agree with its predictions" in line for line in lines) == 7
    assert "boards/board.json: 7 of 7 cells have a result" in lines
    assert any("3 systems and 3 pairs agree with the predictions" in line for line in lines)
    assert "board.md: every byte is what the records give" in lines


def test_one_changed_byte_of_the_markdown_is_noticed(published):
    path = published / "board.md"
    path.write_bytes(path.read_bytes().replace(b"0.0", b"0.1", 1))
    (line,) = wrong(published)
    assert line.startswith("board.md: line ")


def test_one_changed_value_of_a_run_is_noticed_even_with_a_matching_checksum(published):
    def cheat(data):
        changed.append(min(data["values"]))
        data["values"][changed[0]]["test"]["mcc"] += 0.01

    changed = []

    def change(name, content):
        return name, resealed(content, cheat) if name.startswith("evidence/") else content

    repack(published, change)
    lines = wrong(published)
    assert any("test.mcc is 0." in line and "computed again" in line for line in lines)
    assert changed[0][:12] in lines[0]


def test_one_changed_number_in_a_record_without_a_matching_checksum_names_its_file(published):
    def change(name, content):
        return name, content.replace(b'"attempt":1', b'"attempt":2')

    repack(published, change)
    lines = wrong(published)
    assert sum(line.startswith("runs/") and "checksum" in line for line in lines) == 7


def test_one_changed_byte_of_predictions_names_their_file(published):
    def change(name, content):
        return name, content[:-1] + b"?" if name.startswith("predictions/") else content

    repack(published, change)
    (line,) = wrong(published)
    assert "does not match its sha256" in line


def test_one_changed_score_is_noticed_even_if_all_names_and_checksums_match(published):
    """A document that is changed from wrong to right changes every number that depends on it."""
    renamed = {}

    def change(name, content):
        if name.startswith("predictions/") and not renamed:
            table = pq.read_table(io.BytesIO(content)).to_pylist()
            row = next(
                row
                for row in table
                if row["split"] == "test" and max(row["logits"]) != row["logits"][row["gold"][0]]
            )
            row["logits"][row["gold"][0]] = 9.0
            size = len(row["logits"])
            form = pq.read_schema(io.BytesIO(content)).set(
                5, pa.field("logits", pa.list_(pa.float32(), size))
            )
            fresh, content = predictions(pa.Table.from_pylist(table, form))
            sha = fresh.split("/")[1].removesuffix(".parquet")
            renamed[name.split("/")[1].removesuffix(".parquet")] = sha
            return fresh, content
        if name.startswith("runs/"):
            old = json.loads(content)["predictions"]
            if old in renamed:
                content = resealed(content, lambda data: data.update(predictions=renamed[old]))
        return name, content

    repack(published, change)
    lines = wrong(published)
    assert any("test.accuracy is" in line for line in lines)
    assert any(line.startswith("evidence/board.json") for line in lines)


@pytest.mark.parametrize("field", ["p_holm", "difference"])
def test_one_changed_number_of_the_evidence_is_noticed(published, field):
    def cheat(data):
        data["datasets"]["claims"]["pairs"][1][field] += 0.5

    def change(name, content):
        return name, resealed(content, cheat) if name.startswith("evidence/") else content

    repack(published, change)
    assert any(f"datasets.claims.pairs[1].{field} is" in line for line in wrong(published))


def test_a_changed_number_of_documents_is_noticed(published):
    def cheat(data):
        data["documents"]["test"] -= 1

    def change(name, content):
        return name, resealed(content, cheat) if name.startswith("datasets/") else content

    repack(published, change)
    fault = "documents.test is 120, but 119 when computed again"
    assert any(fault in line for line in wrong(published))


@pytest.mark.parametrize("part", ["evidence/", "datasets/", "predictions/", "boards/"])
def test_a_missing_part_is_noticed(published, part):
    repack(published, lambda name, data: None if name.startswith(part) else (name, data))
    assert wrong(published)


def test_a_store_is_verified_like_a_publication(tmp_path):
    store, _board = store_of(tmp_path)
    assert wrong(store.root), "no evidence and no markdown yet"
    benchbench(tmp_path, "leaderboard", "--store", store.root, "--output",
               store.root / "leaderboards" / "board.md", "--format", "markdown")  # fmt: skip
    assert wrong(store.root) == []
    path = next(iter(store.folder("predictions").iterdir()))
    path.write_bytes(path.read_bytes() + b"!")
    assert any("does not match the sha256 in its name" in line for line in wrong(store.root))


def test_metrics_of_plugins_are_named_as_not_computed_again(tmp_path):
    store, _ = store_of(tmp_path)
    path = store.root / "boards" / "board.json"

    def add(data):
        column = {"name": "their_score", "title": "t", "family": "plugins", "kinds": []}
        data["plugin_metrics"] = [column]

    path.write_bytes(resealed(path.read_bytes(), add))
    lines = [finding.line for finding in verify(store.root)]
    assert "board: values of plugins' metrics, which only plugins can compute: their_score" in lines


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no leaderboard is published here"):
        list(verify(tmp_path))


def test_the_command_prints_one_line_per_check_and_its_exit_code_shows_faults(published):
    done = benchbench(published, "verify", published)
    assert done.stdout.count("\nok ") == 7 + 4 - 1
    assert "Not proven by these files:\n  - that a model made the predictions" in done.stdout
    (published / "board.md").write_text("nonsense")
    done = benchbench(published, "verify", published, "--quiet", code=1)
    assert done.stdout.startswith("WRONG  board.md: line 1 ")
    assert done.stdout.count("\n") == 2


def test_differences_are_named_by_their_place():
    stored = {"a": [1.0, {"b": 2}], "c": None, "only": 1}
    computed = {"a": [1.0 + 1e-12, {"b": 3}], "c": 0.0, "new": 1}
    assert list(differing(stored, computed)) == [
        "a[1].b is 2, but 3 when computed again",
        "c is None, but 0.0 when computed again",
        "new is computed but not stored",
        "only is stored but not computed",
    ]
    assert list(differing([1], [1, 2], "x")) == ["x has 1 entries, but 2 when computed again"]


def test_of_many_faults_five_are_named_and_the_others_counted():
    line = Finding("place", faults=tuple(map(str, range(9)))).line
    assert line == "place: 0; 1; 2; 3; 4; and 4 more"
