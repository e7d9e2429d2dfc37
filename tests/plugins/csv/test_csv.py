"""The dataset `csv`: every bad input is refused or counted, with its line and the remedy."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from dataclasses import fields

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from benchbench_csv import benchbench_datasets, benchbench_resolve_dataset
from benchbench_csv.csv_dataset import CsvDataset
from benchbench_csv.csv_options import CsvOptions

from benchbench import Dataset, LoaderError
from benchbench.kit.data.corpus_checks import check_corpus
from benchbench.kit.typed_parameters import read_parameters
from tests.support.tables import GOOD, JSON_GOOD, all_rows, records, settled


def test_every_declared_parameter_has_a_typed_field():
    declared = {parameter.name for parameter in CsvDataset.parameters}
    assert {field.name for field in fields(CsvOptions)} == {*declared, "split_seed"}
    options = read_parameters(
        CsvOptions, settled(path="x.csv", max_newlines="7", on_bad_row="skip")
    )
    assert (options.max_newlines, options.skips_bad_rows) == (7, True)


FATAL = {
    "unclosed-quote": (records('"open,a', "x,b", "y,a"), "table.csv:22: a quoted field that beg"),
    "unclosed-quote-in-second-line": (
        records('"one\ntwo","open', "x,b"),
        "table.csv:23: a quoted field",
    ),
    "text-after-quote": (records('"x"y,a'), "table.csv:22: .*followed by other text"),
    "quote-that-swallows-rows": (
        records('"open,a', *["swallowed,b"] * 60, '"closed",b'),
        "table.csv:22: .*more than 50 newlines",
    ),
    "runaway-in-second-line": (
        records('"one\ntwo","open', *["swallowed,b"] * 60, '"closed",b'),
        "table.csv:23: .*more than 50 newlines",
    ),
    "fifty-one-newlines": (records('"' + "l\n" * 51 + '",a'), "table.csv:22: .*more than 50"),
    "huge-field": (records(f"{'x' * (16 * 2**20 + 1)},a"), "table.csv:22: a field of more than"),
    "ragged-short": (records("only text"), "table.csv:22: expected 2 fields, found 1"),
    "ragged-long": (records("a,b,c"), "table.csv:22: expected 2 fields, found 3"),
    "duplicate-header": ("text,label,text\na,b,c\n", "table.csv:1: the column 'text' occurs twice"),
    "misspelled-column": ("texts,label\na,b\n", "unknown column 'text'. Did you mean 'texts'"),
    "other-delimiter": ("text;label\na;b\n", "set delimiter=';'"),
    "cp1252": (GOOD.encode() + b"\x93x\x94,a\n", "table.csv:22: byte 0x93 at offset 281 is not"),
    "truncated-utf8": (GOOD.encode() + b"x\xe2\x82", "table.csv:22: the file ends inside"),
    "nul": (records("x\0y,a"), "table.csv:22: the line holds a NUL character"),
    "utf16-without-bom": (
        GOOD.encode("utf-16-le"),
        "table.csv:1: the line holds a NUL .*utf-16-le",
    ),
    "truncated-utf16": (GOOD.encode("utf-16")[:-1], "table.csv:21: .*utf-16"),
    "empty-text": (records(" ,a"), r"table.csv:22: the text is empty"),
    "empty-label": (records("x, "), "table.csv:22: 'label' is empty"),
    "bare-line-with-cr": (GOOD.replace("\n", "\r") + "x\r", "table.csv:22: expected 2"),
    "no-bytes": ("", "table.csv: the file is empty"),
    "header-only": ("text,label\n", "table.csv: 0 rows"),
    "header-only-with-blanks": ("text,label\n\n\n", "table.csv: 0 rows"),
    "one-class": ("text,label\nx,a\ny,a\nz,a\n", r"table.csv: train: 1 label \('a'\)"),
    "case-variants": (
        records("x,A", "y,A"),
        r"table.csv: labels 'A' \(2\), 'a' \(10\) differ in case",
    ),
    "form-variants": (records("x,ａ"), r"labels 'a' \(10\), '\\uff41' \(1\) .*normalize_labels"),
}


@pytest.mark.parametrize("case", FATAL)
def test_a_bad_file_is_refused_in_one_line_with_its_place(load, case):
    content, message = FATAL[case]
    with pytest.raises(LoaderError, match=message) as caught:
        load(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "case",
    [
        *("unclosed-quote", "text-after-quote", "quote-that-swallows-rows", "huge-field"),
        *("cp1252", "nul", "header-only", "duplicate-header", "one-class", "case-variants"),
    ],
)
def test_skipping_bad_rows_excuses_no_fault_of_the_whole_file(load, case):
    content, message = FATAL[case]
    with pytest.raises(LoaderError, match=message):
        load(content, on_bad_row="skip", max_skipped=0.9)


PARAMETER_FAULTS = {
    "missing-id-column": ({"id": "nr"}, "unknown column 'nr'. Available: label, text"),
    "latin-1-for-cp1252": ({"encoding": "latin-1"}, "table.csv:22: .*encoding=cp1252"),
    "unknown-encoding": ({"encoding": "klingon"}, "unknown encoding 'klingon'"),
    "no-text-encoding": ({"encoding": "hex"}, "unknown encoding 'hex'"),
    "two-delimiters": ({"delimiter": ";;"}, "csv.delimiter must be"),
    "no-text-column": ({"text": "text,"}, "csv.text must name columns"),
    "label-as-text": ({"text": "text,label"}, "give the answer away"),
    "two-ways-to-split": ({"label_separator": ";", "labels_are_lists": True}, "not both"),
    "fractions": ({"test_fraction": 0.9, "validation_fraction": 0.9}, "must be above 0"),
}


@pytest.mark.parametrize("case", PARAMETER_FAULTS)
def test_a_parameter_that_does_not_fit_the_file_is_named(load, case):
    params, message = PARAMETER_FAULTS[case]
    content = GOOD.encode() + (b"\x93x\x94,a\n" if "latin" in case else b"")
    with pytest.raises(LoaderError, match=message):
        load(content, **params)


READS = {
    "utf8-bom": GOOD.encode("utf-8-sig"),
    "utf16-le-bom": b"\xff\xfe" + GOOD.encode("utf-16-le"),
    "utf16-be-bom": b"\xfe\xff" + GOOD.encode("utf-16-be"),
    "utf32-bom": GOOD.encode("utf-32"),
    "crlf": GOOD.replace("\n", "\r\n").encode(),
    "lone-cr": GOOD.replace("\n", "\r").encode(),
    "blank-lines": GOOD.replace("\n", "\n\n").encode(),
    "no-last-newline": GOOD.rstrip().encode(),
}


@pytest.mark.parametrize("case", READS)
def test_harmless_forms_of_one_table_give_the_same_rows(load, case):
    expected = all_rows(load(GOOD))
    assert all_rows(load(READS[case])) == expected
    assert len(expected) == 20


@pytest.mark.parametrize("name", ["t.tsv", "t.csv.gz", "t.tsv.gz", "t.jsonl", "t.ndjson.gz"])
def test_every_kind_of_text_file_gives_the_same_rows(load, name):
    expected = all_rows(load(GOOD))
    lines = [line.split(",") for line in GOOD.splitlines()[1:]]
    objects = [json.dumps({"text": text, "label": label}) for text, label in lines]
    content = GOOD.replace(",", "\t") if ".tsv" in name else GOOD
    content = "\n".join(objects) if "json" in name else content
    packed = gzip.compress(content.encode()) if name.endswith("gz") else content
    assert all_rows(load(packed, name)) == expected


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gz"])
def test_a_parquet_file_gives_the_same_rows_and_leaves_no_copy(load, tmp_path, zipped):
    lines = [line.split(",") for line in GOOD.splitlines()[1:]]
    texts, labels = zip(*lines, strict=True)
    table = pa.table(
        {"text": texts, "other": range(20), "label": pa.array(labels).dictionary_encode()}
    )
    pq.write_table(table, tmp_path / "made.parquet", row_group_size=6)
    content = (tmp_path / "made.parquet").read_bytes()
    packed = gzip.compress(content) if zipped else content
    rows = all_rows(load(packed, "t.parquet.gz" if zipped else "t.parquet"))
    assert rows == all_rows(load(GOOD))
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_the_encoding_of_the_parameters_is_used(load):
    content = records("\u201cx\u201d,caf\u00e9", "y,caf\u00e9").encode("cp1252")
    rows = all_rows(load(content, encoding="cp1252"))
    assert (rows["train:21"]["text"], rows["train:21"]["labels"]) == (
        "\u201cx\u201d",
        ["caf\u00e9"],
    )


def test_words_for_nothing_are_labels_like_any_other(load):
    words = ("NA", "None", "null", "nan", "")
    content = "text,label\n" + "".join(f"{word or 'x'},{word or 'y'}\n" for word in words * 4)
    corpus = load(content)
    assert corpus.labels.names == ("NA", "None", "nan", "null", "y")
    assert {row["text"] for row in all_rows(corpus).values()} == {"NA", "None", "null", "nan", "x"}


def test_numbers_that_are_equal_stay_apart_with_a_warning(load):
    content = "text,label\n" + "".join(
        f"x{i},{('01', '1', '1.0', '2')[i % 4]}\n" for i in range(40)
    )
    corpus = load(content)
    assert corpus.labels.names == ("01", "1", "1.0", "2")
    assert corpus.report.warnings == (
        "labels '01' (10), '1' (10), '1.0' (10) are equal as numbers and are kept apart as text",
    )


def test_outer_space_of_labels_is_stripped_and_counted(load):
    corpus = load(records("x, a", "y,b\t"))
    assert corpus.labels.names == ("a", "b")
    assert corpus.report.facts["labels_stripped"] == 2


def test_quoted_newlines_and_quotes_are_kept_and_fifty_newlines_are_allowed(load):
    lines = "l\n" * 50
    rows = all_rows(load(records('"a ""b""\r\nc",a', f'"{lines}",b')))
    assert rows["train:21"]["text"] == 'a "b"\r\nc'
    assert rows["train:22"]["text"] == lines


def test_more_newlines_are_read_where_asked_for(load):
    content = FATAL["fifty-one-newlines"][0]
    assert len(all_rows(load(content, max_newlines=51))) == 21


def test_bad_rows_are_skipped_where_asked_for_and_each_is_listed(load):
    corpus = load(records("short", ",a", "x,", "good,b"), on_bad_row="skip", max_skipped=0.2)
    places = [line.split("table.csv:")[1] for line in corpus.report.skipped]
    assert [place[:2] for place in places] == ["22", "23", "24"]
    assert (corpus.report.seen, corpus.report.loaded) == (24, 21)
    assert "train:24" in all_rows(corpus)


def test_more_bad_rows_than_the_cap_are_refused_with_the_first_of_them(load):
    with pytest.raises(LoaderError, match=r"csv:22: .*; 1 of 21 rows are bad, more than max_sk"):
        load(records("short"), on_bad_row="skip")


def test_text_columns_are_joined_in_their_order(load):
    body = "".join(f"t{i},{'' if i == 3 else 'abs'},{'ab'[i % 2]}\n" for i in range(20))
    rows = all_rows(load('title,"abs,tract",label\n' + body, text="abs\\,tract,title"))
    assert rows["train:1"]["text"] == "abs\nt0"
    assert rows["train:4"]["text"] == "t3"


def test_ids_groups_and_weights_come_from_their_columns(load):
    body = "".join(f"t{i},{'ab'[i % 2]},n{i},{i // 4},{i / 2}\n" for i in range(40))
    corpus = load("text,label,nr,family,w\n" + body, id="nr", group="family", weight="w")
    row = all_rows(corpus)["n7"]
    assert (row["text"], row["group"], row["weight"]) == ("t7", "1", 3.5)
    homes = [set(part["group"]) for part in (corpus.train, corpus.validation, corpus.test)]
    assert not (homes[0] & homes[1] or homes[0] & homes[2] or homes[1] & homes[2])


@pytest.mark.parametrize("weight", ["heavy", "-1", "nan", "inf", ""])
def test_a_weight_that_is_no_number_is_a_bad_row(load, weight):
    body = "".join(f"t{i},{'ab'[i % 2]},1\n" for i in range(20))
    with pytest.raises(LoaderError, match=r"table\.csv:22: 'w': expected a number of at least 0"):
        load(f"text,label,w\n{body}x,a,{weight}\n", weight="w")


def test_an_id_used_twice_is_refused_by_name(load):
    with pytest.raises(LoaderError, match=r"table\.csv: .*the id 'same' is used twice"):
        load("text,label,nr\na,x,same\nb,y,other\nc,x,same\nd,y,4\ne,x,5\nf,y,6\n", id="nr")


def test_separated_labels_make_a_multi_label_corpus(load):
    body = "".join(f"t{i},{('a;b', 'b', ' c ;;a;c')[i % 3]}\n" for i in range(30))
    corpus = load("text,label\n" + body, label_separator=";")
    rows = all_rows(corpus)
    assert (corpus.kind, corpus.main_metric) == ("multi-label", "micro_f1")
    assert rows["train:3"]["labels"] == ["c", "a"]
    assert {row["main"] for row in rows.values()} == {-1}
    facts = {"labels_stripped": 10, "empty_labels_dropped": 10, "repeated_labels_dropped": 10}
    assert corpus.report.facts == facts
    first = load("text,label\n" + body, label_separator=";", main_label="first")
    assert all_rows(first)["train:3"]["main"] == 2


@pytest.mark.parametrize("cell", [";", "", " "], ids=["separator", "empty", "space"])
def test_a_multi_label_row_may_have_no_label(load, cell):
    corpus = load(records(f"x,{cell}", "y,a;b"), label_separator=";")
    assert all_rows(corpus)["train:21"]["labels"] == []
    assert corpus.report.facts["documents_without_labels"] == 1


@pytest.mark.parametrize("native", [True, False], ids=["native", "written"])
def test_lists_of_labels_are_read_from_json_lines(load, native):
    lists = [["a", 1], ["b"], ["b", 1.10]]
    lines = [
        json.dumps({"text": f"t{i}", "label": lists[i % 3] if native else json.dumps(lists[i % 3])})
        for i in range(30)
    ]
    corpus = load("\n".join(lines), "t.jsonl", labels_are_lists=True)
    assert corpus.labels.names == ("1", "1.1", "a", "b")
    assert all_rows(corpus)["train:1"]["labels"] == ["a", "1"]


def test_lists_of_labels_are_read_from_csv_and_parquet(load, tmp_path):
    lists = [["a"], ["b", "a"]]
    quoted = [json.dumps(lists[i % 2]).replace('"', '""') for i in range(20)]
    content = "text,label\n" + "".join(f't{i},"{cell}"\n' for i, cell in enumerate(quoted))
    table = pa.table({"text": [f"t{i}" for i in range(20)], "label": lists * 10})
    pq.write_table(table, tmp_path / "made.parquet")
    from_parquet = load(
        (tmp_path / "made.parquet").read_bytes(), "t.parquet", labels_are_lists=True
    )
    assert all_rows(load(content, labels_are_lists=True)) == all_rows(from_parquet)


JSON_ROWS = {
    "no-object": ("[1]", "expected a JSON object"),
    "invalid": ('{"text": ', "not valid JSON"),
    "missing-key": ('{"txt": "x", "label": "a"}', "unknown column 'text'. Did you mean 'txt'"),
    "null-label": ('{"text": "x", "label": null}', "'label' is empty"),
    "list-label": ('{"text": "x", "label": ["a"]}', "labels_are_lists=true"),
    "object-label": ('{"text": "x", "label": {}}', "expected text or a number, found {}"),
    "number-text": ('{"text": 5, "label": "a"}', "'text': expected text, found 5"),
    "null-text": ('{"text": null, "label": "a"}', "the text is empty"),
    "twice": ('{"text": "x", "text": "y", "label": "a"}', "a key occurs twice"),
    "nan": ('{"text": "x", "label": NaN}', "NaN is not a JSON number"),
    "surrogate": ('{"text": "\\ud800", "label": "a"}', "surrogate"),
    "nul": ('{"text": "\\u0000", "label": "a"}', "NUL"),
    "deep": ('{"text": "x", "label": ' + "[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize("case", JSON_ROWS)
def test_a_bad_json_line_is_refused_or_skipped_with_its_line(load, case):
    line, message = JSON_ROWS[case]
    with pytest.raises(LoaderError, match=f"t.jsonl:21: .*{message}") as caught:
        load(JSON_GOOD + line, "t.jsonl")
    assert "\n" not in str(caught.value)
    corpus = load(JSON_GOOD + line, "t.jsonl", on_bad_row="skip", max_skipped=0.1)
    assert (corpus.report.loaded, len(corpus.report.skipped)) == (20, 1)


def test_numbers_in_json_keep_the_text_they_were_written_with(load):
    numbers = ("1", "1.10", "12345678901234567890123", "true", "1e400")
    lines = [f'{{"text": "t{i}", "label": {numbers[i % 5]}}}' for i in range(40)]
    assert load("\n".join(lines), "t.jsonl").labels.names == tuple(sorted(numbers))


def test_a_parquet_table_of_missing_values_or_other_columns_is_refused(load, tmp_path):
    def parquet(**columns):
        pq.write_table(pa.table(columns), tmp_path / "made.parquet")
        return (tmp_path / "made.parquet").read_bytes()

    with pytest.raises(LoaderError, match=r"t\.parquet:2: 'label' is empty"):
        load(parquet(text=["a", "b"], label=["x", None]), "t.parquet")
    with pytest.raises(LoaderError, match=r"t\.parquet:2: 'label' is empty"):
        load(parquet(text=["a", "b"], label=[1.0, float("nan")]), "t.parquet")
    with pytest.raises(LoaderError, match=r"t\.parquet: unknown column 'label'.*Available: text"):
        load(parquet(text=["a", "b"]), "t.parquet")
    with pytest.raises(LoaderError, match=r"t\.parquet: 0 rows"):
        load(parquet(text=pa.array([], pa.string()), label=pa.array([], pa.string())), "t.parquet")
    with pytest.raises(LoaderError, match=r"t\.parquet:1: not a readable Parquet file"):
        load(b"PAR1 and nothing else", "t.parquet")


def test_a_damaged_gzip_archive_is_named(load):
    packed = gzip.compress(GOOD.encode() * 100)
    with pytest.raises(LoaderError, match=r"t\.csv\.gz: the gzip archive is cut short"):
        load(packed[:-20], "t.csv.gz")
    with pytest.raises(LoaderError, match=r"t\.csv\.gz: the gzip archive is damaged"):
        load(GOOD, "t.csv.gz")
    spoilt = bytearray(packed)
    spoilt[-6] ^= 1
    with pytest.raises(LoaderError, match=r"t\.csv\.gz: the gzip archive is damaged"):
        load(bytes(spoilt), "t.csv.gz")


def test_a_gzip_bomb_is_refused(load, monkeypatch):
    monkeypatch.setattr("benchbench_csv.table_files.INFLATED_FREELY", 2**20)
    bomb = gzip.compress(GOOD.encode() + b"\n" * 2**23)
    with pytest.raises(LoaderError, match="more than 100 times its size"):
        load(bomb, "t.csv.gz")


def test_a_path_that_is_no_readable_file_is_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    (tmp_path / "table.xyz").write_bytes(b"x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.csv"))
        for name, message in {
            "folder.csv": "this is a folder",
            "pipe.csv": "not a regular file",
            "socket.csv": "not a regular file",
            "missing.csv": "no such file",
            "table.xlsx": "an Excel workbook; save it as CSV",
            "table.xyz": "unknown kind of file; give one of .csv, .tsv",
            "nul\0.csv": "cannot be read",
            "n" * 300 + ".csv": "cannot be read",
        }.items():
            for act in (
                CsvDataset().source,
                lambda params: CsvDataset().load(params, tmp_path / "out"),
            ):
                with pytest.raises(LoaderError, match=message):
                    act(settled(path=str(tmp_path / name)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    (tmp_path / "secret.csv").write_text(GOOD)
    (tmp_path / "secret.csv").chmod(0)
    with pytest.raises(LoaderError, match="check its permissions"):
        CsvDataset().source(settled(path=str(tmp_path / "secret.csv")))


def test_separate_files_keep_their_roles_and_one_file_has_one_role(tmp_path):
    (tmp_path / "train.csv").write_text(GOOD)
    (tmp_path / "test.jsonl").write_text('{"text": "x", "label": "a"}\n{"text": "y", "label": "c"}')
    params = {"path": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.jsonl")}
    with pytest.raises(LoaderError, match=r"train\.csv, .*test\.jsonl: 1 labels .*'c' \(1\)"):
        CsvDataset().load(settled(**params), tmp_path / "out")
    corpus = CsvDataset().load(settled(**params, unseen_labels="keep"), tmp_path / "out")
    assert (corpus.test["id"][:], corpus.test["main"][:]) == (["test:1", "test:2"], [0, 2])
    assert corpus.labels.unseen == ("c",)
    with pytest.raises(LoaderError, match="used both as train and as test"):
        CsvDataset().load(settled(**{**params, "test": params["path"]}), tmp_path / "out")


def test_a_wrong_column_of_the_last_file_shows_before_the_first_is_read(tmp_path):
    (tmp_path / "train.csv").write_text(records("short"))
    (tmp_path / "test.csv").write_text(GOOD.replace("label", "class"))
    params = {"path": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    with pytest.raises(LoaderError, match=r"test\.csv:1: unknown column 'label'"):
        CsvDataset().load(settled(**params), tmp_path / "out")


def test_the_source_digest_follows_the_bytes_and_the_roles(tmp_path):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv").write_text(GOOD + "x,a\n")
    a, b = str(tmp_path / "a.csv"), str(tmp_path / "b.csv")
    digests = {
        CsvDataset().source(settled(**params))
        for params in ({"path": a}, {"path": b}, {"path": a, "test": b}, {"path": b, "test": a})
    }
    assert len(digests) == 4
    (tmp_path / "c.csv").write_text(GOOD)
    assert CsvDataset().source(settled(path=str(tmp_path / "c.csv"))) in digests


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("data/banking77/train.csv", "train"),
        ("./train.TSV", "train"),
        ("/claims.jsonl.gz", "claims"),
        ("My Data/Größe_1.parquet", "größe-1"),
        ("../x/all.ndjson", "all"),
        ("meta-llama/Llama-3.2-1B", None),
        ("table.xlsx", None),
        ("folder", None),
        ("archive.gz", None),
    ],
)
def test_a_path_with_a_known_suffix_is_a_table(reference, name):
    dataset = benchbench_resolve_dataset(reference)
    assert (dataset.name if dataset else None) == name
    if dataset:
        assert (dataset.use, dataset.params) == ("csv", {"path": reference})


def test_the_plugin_supplies_one_dataset_and_imports_nothing_heavy():
    (table,) = benchbench_datasets()
    assert isinstance(table, Dataset)
    assert table.kind(settled(path="x.csv")) == "single-label"
    assert table.kind(settled(path="x.csv", label_separator=",")) == "multi-label"
    program = (
        "import sys, benchbench_csv; benchbench_csv.benchbench_datasets();"
        "sys.exit(bool({'pyarrow', 'datasets', 'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_banking77_loads_whole(shared, tmp_path):
    folder = shared / "data" / "banking77"
    params = {"path": str(folder / "train.csv"), "test": str(folder / "test.csv")}
    corpus = CsvDataset().load(settled(**params, label="category"), tmp_path)
    check_corpus(corpus)
    assert (len(corpus.train) + len(corpus.validation), len(corpus.test)) == (10_003, 3_080)
    assert len(corpus.labels) == 77


def test_patents_load_with_several_labels(shared, tmp_path):
    folder = shared / "data" / "patents_cpc_section"
    params = {"path": str(folder / "train.csv"), "test": str(folder / "test.csv")}
    columns = {"text": "application_type_abstract", "label_separator": ","}
    corpus = CsvDataset().load(settled(**params, **columns), tmp_path)
    check_corpus(corpus)
    assert corpus.labels.names == tuple("ABCDEFGH")
    assert (corpus.report.seen, len(corpus.test)) == (5584 + 698, 698)


MEASURE = """
import re, sys, threading, time
from pathlib import Path
from benchbench.contract.parameters import resolve
from benchbench_csv.csv_dataset import CsvDataset
import datasets, pyarrow

def held():  # resident memory of the process itself, mapped files left out
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

peak, done = 0.0, False
def watch():
    global peak
    while not done:
        peak = max(peak, held())
        time.sleep(0.005)

before = held()
watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
params = {"path": sys.argv[1], "text": "text", "label": "label"}
values, _ = resolve("csv", CsvDataset.parameters, params)
corpus = CsvDataset().load({**values, "split_seed": 0}, Path(sys.argv[2]))
done = True
watcher.join()
print(peak - before, corpus.report.loaded)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    growth = {}
    for megabytes in (20, 60):
        path = tmp_path / f"{megabytes}.csv"
        count = megabytes * 1024
        with path.open("w") as file:
            file.write("text,label\n")
            file.writelines(f'"{i} {"some words, " * 84}",{i % 30}\n' for i in range(count))
        arguments = [sys.executable, "-c", MEASURE, str(path), str(tmp_path / "out")]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
        grown, loaded = done.stdout.split()
        assert int(loaded) == count
        growth[megabytes] = float(grown)
    assert growth[60] - growth[20] < 20, growth
