"""The same datasets from local folders and files, without any network."""

from __future__ import annotations

import gzip
import json

import datasets
import pytest

from benchbench import LoaderError, Skip
from tests.plugins.hub.conftest import dataset_of, settled

INTENTS = ("card_arrival", "exchange_rate", "Refund_not_showing_up")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def rows(count, start=0):
    numbers = range(start, start + count)
    return [{"text": f'query {n}\nwith, a "line"', "category": INTENTS[n % 3]} for n in numbers]


def write(folder, name, records):
    """Write records into a file of the format that its name says."""
    folder.mkdir(exist_ok=True)
    table = datasets.Dataset.from_list(records)
    path = folder / name
    if ".parquet" in name:
        table.to_parquet(path)
    elif ".jsonl" in name:
        text = "".join(json.dumps(record) + "\n" for record in records).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    else:
        table.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".jsonl.gz", ".parquet"])
def test_a_folder_holds_a_file_per_split(tmp_path, loaded, suffix):
    folder = tmp_path / "banking77"
    write(folder, f"train{suffix}", rows(60))
    write(folder, f"val{suffix}", rows(12, 60))
    write(folder, f"test{suffix}", rows(15, 72))
    (folder / "LICENSE").write_text("not a table")
    corpus = loaded("banking77", path=str(folder))
    assert corpus.labels.names == tuple(sorted(INTENTS))
    assert [len(corpus.train), len(corpus.validation), len(corpus.test)] == [60, 12, 15]
    assert corpus.test["text"][0] == 'query 72\nwith, a "line"'
    assert corpus.report.facts == {}


def test_one_file_is_cut_and_the_report_says_so(tmp_path, loaded):
    path = write(tmp_path, "all.csv", rows(60))
    corpus = loaded("banking77", path=str(path))
    assert [len(corpus.train), len(corpus.validation), len(corpus.test)] == [42, 6, 12]
    assert corpus.report.facts == {"test_cut_from_training": 1, "validation_cut_from_training": 1}


def test_files_are_given_split_by_split(tmp_path, loaded):
    path, test = write(tmp_path, "a.csv", rows(60)), write(tmp_path, "b.csv", rows(15, 60))
    assert len(loaded("banking77", path=str(path), test=str(test)).test) == 15
    with pytest.raises(LoaderError, match=r"banking77.test=.*c.csv: no such file"):
        loaded("banking77", path=str(path), test=str(tmp_path / "c.csv"))


def test_two_paths_to_the_same_bytes_are_one_source(tmp_path):
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        write(folder, "train.csv", rows(9))
    dataset = dataset_of("banking77")
    first, second = (dataset.source(settled(dataset, path=str(folder))) for folder in folders)
    assert first == second
    write(folders[1], "train.csv", rows(10))
    assert dataset.source(settled(dataset, path=str(folders[1]))) != first


def test_words_and_codes_of_a_csv_file_stay_as_they_are_written(tmp_path, loaded):
    table = [{"text": word, "label": "007"} for word in ("NA", "null", "1.10")] * 8
    table += [{"text": f"none {n}", "label": "NA"} for n in range(24)]
    corpus = loaded("hub", path=str(write(tmp_path, "t.csv", table)))
    assert corpus.labels.names == ("007", "NA")
    assert {"NA", "null", "1.10"} <= set(corpus.train["text"])


def test_names_of_emotions_stand_for_the_numbers_of_a_file(tmp_path, loaded):
    table = [{"text": f"t{n}", "labels": [[0], [27, 1]][n % 2]} for n in range(40)]
    corpus = loaded("goemotions", path=str(write(tmp_path, "t.jsonl", table)))
    assert corpus.labels.names == ("admiration", "amusement", "neutral")
    assert corpus.kind == "multi-label"


def test_labels_are_separated_and_documents_of_lists_may_have_none(tmp_path, loaded):
    table = [{"a": f"title {n}", "b": " ", "codes": ["A, B,", "B"][n % 2]} for n in range(40)]
    given = {"path": str(write(tmp_path, "t.csv", table)), "text": "a,b", "label": "codes"}
    corpus = loaded("hub", **given, label_separator=",")
    assert (corpus.kind, corpus.labels.names) == ("multi-label", ("A", "B"))
    assert "title 0" in [*corpus.train["text"], *corpus.validation["text"], *corpus.test["text"]]


BAD_ROWS = {
    "empty-text": ({"text": " ", "label": "a"}, "the text is empty (text)"),
    "no-label": ({"text": "t", "label": None}, "the label is missing (label)"),
    "unlabelled": ({"text": "t", "label": "-1"}, "'label' is -1: the row has no label"),
}


@pytest.mark.parametrize("case", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_an_error_with_its_place_or_is_skipped(tmp_path, loaded, case):
    row, said = case
    table = [{"text": f"t{n}", "label": "ab"[n % 2]} for n in range(40)] + [row]
    path = str(write(tmp_path, "t.jsonl", table))
    with pytest.raises(LoaderError) as error:
        loaded("hub", path=path)
    assert f"train, row 41: {said}; correct the row, or set on_bad_row=skip" in str(error.value)
    report = loaded("hub", path=path, on_bad_row="skip", max_skipped=0.1).report
    assert report.skipped == (f"train, row 41: {said}",)
    with pytest.raises(LoaderError, match=r"1 of 41 rows are bad, more than max_skipped=0\.01"):
        loaded("hub", path=path, on_bad_row="skip")


WRONG = {
    "number": ({"text": "t", "labels": [28]}, "expected a label or a number below 28, found '28'"),
    "text-type": ({"text": 1, "labels": [0]}, "'text': expected text, found 1"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_a_wrong_cell_is_shown(tmp_path, loaded, case):
    row, said = case
    with pytest.raises(LoaderError) as error:
        loaded("goemotions", path=str(write(tmp_path, "t.jsonl", [row])))
    assert said in str(error.value)


def test_one_hot_lists_are_refused(tmp_path, loaded):
    table = [{"text": f"t{n}", "label": [[1, 0, 0], [0, 1, 0]][n % 2]} for n in range(20)]
    with pytest.raises(LoaderError, match="has a 0 or 1 for each label; it must list the labels"):
        loaded("hub", path=str(write(tmp_path, "t.jsonl", table)))


COLUMNS = {
    "misspelled": ({"text": "txt"}, "unknown column 'txt'. Did you mean 'text'?"),
    "unclear": ({}, "no clear label column; name it with --set hub.label=COLUMN"),
    "answer": ({"label": "text"}, "the label column 'text' is also a text column"),
    "two-labels": ({"text": "text", "label": "categroy"}, "Did you mean 'category'?"),
}


@pytest.mark.parametrize("case", COLUMNS.values(), ids=COLUMNS)
def test_a_column_that_is_not_clear_is_asked_for(tmp_path, loaded, case):
    given, said = case
    path = str(write(tmp_path, "t.csv", rows(9)))
    with pytest.raises(LoaderError) as error:
        loaded("hub", path=path, **given)
    assert said in str(error.value)


def test_columns_that_no_copy_of_a_set_has_are_listed(tmp_path, loaded):
    path = str(write(tmp_path, "t.csv", [{"a": "x", "b": "y"}]))
    with pytest.raises(
        LoaderError, match=r"expected the columns text,label_text or text,cat.*a, b"
    ):
        loaded("banking77", path=path)


BROKEN = {
    "train.parquet": b"PAR1 and then nothing",
    "train.csv": b'text,label\n"never closed,a\n',
    "train.jsonl": b'{"text": "x", \n',
    "train.xlsx": b"PK",
    "notes.json": b"[]",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_ends_in_one_line(tmp_path, loaded, name):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / name).write_bytes(BROKEN[name])
    with pytest.raises(LoaderError) as error:
        loaded("hub", path=str(folder), text="text", label="label")
    assert str(folder) in str(error.value) and "\n" not in str(error.value)


def test_a_path_that_is_nothing_is_refused_and_a_set_without_a_place_is_skipped(loaded):
    with pytest.raises(LoaderError, match=r"banking77.path=/no/where: no such file or folder"):
        loaded("banking77", path="/no/where")
    with pytest.raises(LoaderError, match=r"hub.path=nowhere: .*; give one, or a hub id ORG/NAME"):
        loaded("hub", path="nowhere")
    with pytest.raises(Skip, match=r"--set patents-cpc.path=FOLDER"):
        loaded("patents-cpc")


def test_real_questions_to_a_bank(shared, loaded):
    corpus = loaded("banking77", path=str(shared / "data" / "banking77"))
    assert len(corpus.labels) == 77
    assert len(corpus.train) + len(corpus.validation) == 10_003 and len(corpus.test) == 3_080


def test_real_patents(shared, loaded):
    corpus = loaded("patents-cpc", path=str(shared / "data" / "patents_cpc_section"))
    assert corpus.labels.names == tuple("ABCDEFGH")
    assert [len(corpus.train), len(corpus.validation), len(corpus.test)] == [5_584, 698, 698]
    assert corpus.train["text"][0].split("\n")[1].startswith("utility ")


def test_news_without_a_topic_stay_and_topics_of_test_alone_are_missed(tmp_path, loaded):
    folder = tmp_path / "reuters"
    topics = [["earn"], ["grain", "wheat"], []]
    table = [{"title": f"T{n}", "text": f"body {n}", "topics": topics[n % 3]} for n in range(30)]
    write(folder, "train.jsonl", table)
    write(folder, "test.jsonl", [{"title": "T", "text": "body", "topics": ["earn", "rye"]}])
    corpus = loaded("reuters21578", path=str(folder))
    assert corpus.labels.names == ("earn", "grain", "wheat") and corpus.labels.unseen == ("rye",)
    assert [] in corpus.train["labels"] and corpus.test["text"] == ["T\nbody"]
