"""Forgeries of which every checksum matches: what a board shows must fit what it comes from."""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.contract import StoreError
from benchbench.evidence import compute_evidence, read_board, records_on
from benchbench.publishing.archive import archive_bytes
from benchbench.publishing.publication import (
    check_folder,
    publish_board,
    published_markdown,
    unpacked,
)
from benchbench.publishing.verification import verify
from benchbench.records import Store, write_json
from tests.support.forging import forge_record, members, predictions, resealed
from tests.support.predicted import store_of

BOARD, EVIDENCE = "boards/board.json", "evidence/board.json"
SYSTEMS = (("head", "llama", 2.0, 2), ("tfidf", "", 1.0, 1))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return the files in the archive of a published board of three cells."""
    folder = tmp_path_factory.mktemp("published")
    store, _ = store_of(folder, SYSTEMS, labels=3)
    return members(publish_board(store, "board", folder / "out").archive)


@pytest.fixture
def publish(original, tmp_path):
    """Return a function that forges, signs and renders the board, and returns its findings."""

    def forged(forge, again=False):
        files = dict(original)
        forge(files)
        return findings(tmp_path, files, again)

    return forged


def findings(folder, files, again):
    """Publish files as their forger would; return the faults and what else `verify` says.

    `again` computes the evidence again, where the forged files allow it.
    """
    store = Store(folder / "store")
    for name, content in files.items():
        path = store.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    out = folder / "out"
    out.mkdir()
    (out / "board.md").write_text("nothing was rendered")
    with suppress(StoreError):
        board = read_board(store, "board")
        if again:
            evidence = compute_evidence(store, board, records_on(store, board))
            write_json(store, "evidence", "board", evidence.to_json())
            files[EVIDENCE] = (store.root / EVIDENCE).read_bytes()
        (out / "board.md").write_text(published_markdown(store, "board"))
    (out / "board.zip").write_bytes(archive_bytes(files.items()))
    found = list(verify(out))
    faults = [one.line for one in found if one.faults]
    ((_, checked),) = check_folder(out)
    return faults, checked, [one.line for one in found if not one.faults]


def on_board(change):
    return lambda files: files.update({BOARD: resealed(files[BOARD], change)})


def on_cells(change):
    return on_board(lambda data: change(data["cells"]))


def document(files, folder):
    return next(name for name in files if name.startswith(folder))


def record_of(files, method, seed=0):
    """Return the name of a record's file, and its content."""
    for name, content in files.items():
        if name.startswith("runs/"):
            data = json.loads(content)
            if (data["cell"]["method"]["name"], data["cell"]["seed"]) == (method, seed):
                return name, data
    raise AssertionError(method)


def test_an_honest_board_is_in_order(publish):
    faults, checked, lines = publish(lambda files: None, again=True)
    assert (faults, checked) == ([], "")
    assert "boards/board.json: 3 of 3 cells have a result" in lines
    assert sum(line.startswith("board: ") for line in lines) == 6, "what is not proven"


def swap(cells, *path):
    *parents, last = path
    first, second = cells[0], next(c for c in cells if c["cell"]["method"]["name"] == "tfidf")
    for name in parents:
        first, second = first[name], second[name]
    first[last], second[last] = second[last], first[last]


def swap_ids_and_keys(cells):
    swap(cells, "id")
    swap(cells, "key")


def rename(noun):
    def change(cells):
        for entry in cells:
            if entry["cell"][noun]:
                entry["cell"][noun]["name"] = "marvel"

    return change


def value_of_ours(data):
    data["values"][data["cells"][0]["id"]] = {"macro_f1": 0.9999}


def column(name, title):
    def change(data):
        value_of_ours(data)
        data["values"][data["cells"][0]["id"]] = {name: 0.9999}
        more = {"family": "plugins", "kinds": ["single-label"], "lower_is_better": False}
        data["plugin_metrics"] = [{"name": name, "title": title, **more}]

    return change


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        pytest.param(on_board(value_of_ours), "no metric of a plugin", id="value-of-ours"),
        pytest.param(on_board(column("macro_f1", "x")), "stands for", id="column-of-ours"),
        pytest.param(on_board(column("gain", "Macro F1")), "stands for", id="title-of-ours"),
        pytest.param(on_cells(lambda c: swap(c, "cell", "method", "name")), "id", id="names"),
        pytest.param(on_cells(lambda c: swap(c, "cell", "method")), "id", id="methods"),
        pytest.param(on_cells(lambda c: swap(c, "id")), "id", id="ids"),
        pytest.param(on_cells(swap_ids_and_keys), "id", id="ids-and-keys"),
        pytest.param(on_cells(rename("method")), "id", id="method-renamed"),
        pytest.param(on_cells(rename("backbone")), "id", id="backbone-renamed"),
        pytest.param(on_cells(lambda c: c[0]["cell"].update(seed=7)), "id", id="seed"),
        pytest.param(on_cells(lambda c: c[0].update(tried={"rank": 3})), "try", id="tried"),
        pytest.param(on_cells(lambda c: c.append(c[0])), "twice", id="cell-twice"),
    ],
)  # fmt: skip
def test_a_board_that_contradicts_itself_is_refused_by_every_reader(publish, forge, fault):
    faults, checked, _ = publish(forge)
    assert len(faults) == 1
    assert fault in faults[0]
    assert fault in checked


def on_dataset(change):
    """Change the description of the dataset and the board's copy of it alike."""

    def forge(files):
        name = document(files, "datasets/")
        files[name] = resealed(files[name], change)
        on_board(lambda data: change(data["datasets"]["claims"]))(files)

    return forge


def on_description(change):
    def forge(files):
        name = document(files, "datasets/")
        files[name] = resealed(files[name], change)

    return forge


def skipped(data):
    data["report"].update(seen=data["report"]["seen"] + 1, skipped=["t.csv:3: no label"])


def warned(data):
    data["report"]["warnings"] = ["a document of test is in training"]


def published_score(**params):
    score = {"name": "Their model", "metric": "macro_f1", "value": 0.9, "citation": "Somebody",
             "note": "", "dataset": "claims", "params": params}  # fmt: skip
    return on_board(lambda data: data["datasets"]["claims"].update(baselines=[score]))


def more_documents(data):
    data["documents"]["test"] = 12_000


def fewer_trained(data):
    data["training_counts"]["A00"] += 1


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        pytest.param(on_dataset(more_documents), "12,0", id="documents"),
        pytest.param(on_description(skipped), "skipped_rows is 0, but 1", id="skipped-rows"),
        pytest.param(on_description(warned), "warnings has 0 entries, but 1", id="warning"),
        pytest.param(on_description(fewer_trained), "training documents", id="training-count"),
        pytest.param(
            on_board(lambda data: data.update(baseline_methods=[])),
            "tfidf is said to need a language model, but has none",
            id="baseline-method",
        ),
        pytest.param(published_score(limit=300), "measured on limit = 300", id="baseline"),
    ],
)
def test_what_is_shown_of_a_dataset_must_be_in_its_description_and_predictions(
    publish, forge, fault
):
    faults, checked, _ = publish(forge)
    assert any(fault in line for line in faults), faults
    assert fault in checked


def test_a_published_score_with_the_cells_parameters_stands(publish):
    faults, checked, lines = publish(published_score(limit=0), again=True)
    assert (faults, checked) == ([], "")
    assert "board: 1 scores that others published, shown as they reported them" in lines


def better_scores(files):
    def change(data):
        for run in data["values"].values():
            run["test"]["macro_f1"] = 0.9999
        data["datasets"]["claims"]["systems"][0]["value"] = 0.9999

    files[EVIDENCE] = resealed(files[EVIDENCE], change)


def forged_record(change, method="head"):
    return lambda files: forge_record(files, record_of(files, method)[0], change)


def renamed_everywhere(files):
    def change(data):
        data["cell"]["method"]["name"] = "marvel"
        data["identity"]["cell"] = digest_of(data["cell"])

    for seed in (0, 1):
        forge_record(files, record_of(files, "head", seed)[0], change)


def digest_of(cell):
    from benchbench.machine import digest

    return digest(cell)


def other_seed(data):
    data["cell"]["seed"] = 9
    data["identity"]["cell"] = digest_of(data["cell"])


def asked_for_more(data):
    data["cell"]["method"]["params"] = {"rank": 512}
    data["identity"]["cell"] = digest_of(data["cell"])


def language_model(data):
    data["facts"]["backbone"] = {"kind": "causal-lm"}


def other_data(data):
    data["identity"]["dataset"] = "0" * 64


def swapped_predictions(files):
    names = [record_of(files, method)[0] for method in ("head", "tfidf")]
    shas = [json.loads(files[name])["predictions"] for name in names]
    for name, sha in zip(names, shas[::-1], strict=True):
        files[name] = resealed(files[name], lambda data, sha=sha: data.update(predictions=sha))


def easier_gold(files):
    """Declare what one run decided to be right, for the first documents."""
    name, data = record_of(files, "tfidf")
    table = pq.read_table(io.BytesIO(files.pop(f"predictions/{data['predictions']}.parquet")))
    gold, logits = table["gold"].to_pylist(), table["logits"].to_pylist()
    gold[:80] = [[scores.index(max(scores))] for scores in logits[:80]]
    table = table.set_column(2, "gold", pa.array(gold, pa.list_(pa.int32())))
    fresh, content = predictions(table)
    files[fresh] = content
    sha = fresh.split("/")[1].removesuffix(".parquet")
    files[name] = resealed(files[name], lambda data: data.update(predictions=sha))


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        pytest.param(forged_record(other_seed), "another seed: 0", id="seed"),
        pytest.param(forged_record(asked_for_more, "tfidf"), "with method.rank", id="parameter"),
        pytest.param(forged_record(language_model, "tfidf"), "no language model", id="baseline"),
        pytest.param(forged_record(other_data), "another dataset", id="dataset"),
    ],
)
def test_a_record_that_was_made_for_something_else_is_noticed(publish, forge, fault):
    faults, checked, _ = publish(forge, again=True)
    assert any(fault in line for line in faults), faults
    assert fault in checked


@pytest.mark.parametrize(
    ("forge", "fault", "again"),
    [
        pytest.param(better_scores, "macro_f1 is 0.9999", False, id="scores"),
        pytest.param(swapped_predictions, "made for another cell", True, id="swapped"),
        pytest.param(renamed_everywhere, "made for another cell", True, id="renamed"),
        pytest.param(easier_gold, "not those of the first run", True, id="gold"),
    ],
)
def test_predictions_of_something_else_are_noticed(publish, forge, fault, again):
    faults, _, _ = publish(forge, again)
    assert any(fault in line for line in faults), faults


def test_a_left_out_cell_changes_the_number_of_cells_and_its_files_may_not_stay(publish):
    gone = []

    def leave_out(files):
        name, data = record_of(files, "tfidf")
        gone.extend([name, f"predictions/{data['predictions']}.parquet"])
        on_cells(lambda cells: cells.remove(next(c for c in cells if c["id"] == data["id"])))(files)

    faults, checked, _ = publish(leave_out)
    assert any("its board does not use" in line for line in faults)
    assert "its board does not use" in checked


def test_a_left_out_cell_with_its_files_is_stated_as_not_proven(publish):
    def leave_out(files):
        name, data = record_of(files, "tfidf")
        del files[name], files[f"predictions/{data['predictions']}.parquet"]
        on_cells(lambda cells: cells.remove(next(c for c in cells if c["id"] == data["id"])))(files)

    faults, _, lines = publish(leave_out, again=True)
    assert faults == []
    assert "boards/board.json: 2 of 2 cells have a result" in lines
    assert "board: that no cell was left out of the board" in lines


def test_predictions_of_an_older_version_name_no_cell_which_is_stated(publish):
    def older(files):
        name, data = record_of(files, "tfidf")
        old = files.pop(f"predictions/{data['predictions']}.parquet")
        fresh, content = predictions(pq.read_table(io.BytesIO(old)).replace_schema_metadata(None))
        files[fresh] = content
        sha = fresh.split("/")[1].removesuffix(".parquet")
        files[name] = resealed(files[name], lambda data: data.update(predictions=sha))

    faults, _, lines = publish(older, again=True)
    assert faults == []
    assert any("that 1 predictions belong to their cells" in line for line in lines)


@pytest.mark.parametrize(
    "name",
    [
        "boards/z.json",
        "evidence/z.json",
        f"datasets/{'0' * 64}.json",
        f"runs/{'0' * 64}/unresolved-1.json",
        f"predictions/{hashlib.sha256(b'{}').hexdigest()}.parquet",
    ],
)
def test_a_file_that_the_board_does_not_use_is_refused(original, tmp_path, name):
    (tmp_path / "board.zip").write_bytes(archive_bytes([*original.items(), (name, b"{}")]))
    with (
        pytest.raises(StoreError, match=f"its board does not use {name}"),
        unpacked(tmp_path / "board.zip"),
    ):
        pass


def test_a_second_attempt_at_a_cell_is_not_used(original, tmp_path):
    first = document(original, "runs/")
    again = (first.replace("-1.json", "-2.json"), original[first])
    (tmp_path / "board.zip").write_bytes(archive_bytes([*original.items(), again]))
    with pytest.raises(StoreError, match="does not use runs/"), unpacked(tmp_path / "board.zip"):
        pass
