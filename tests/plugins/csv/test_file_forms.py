"""Files as people have them: each is read, or named for what it is."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import zipfile

import pytest
from benchbench_csv.column_names import plain_name

from benchbench import LoaderError
from tests.support.tables import GOOD, JSON_GOOD, all_rows, records

OBJECTS = [json.loads(line) for line in JSON_GOOD.splitlines()]
HEADERS = [" text, label ", "\u200btext,label\u00a0", "\ttext,\ufefflabel"]


@pytest.mark.parametrize("header", HEADERS, ids=["spaces", "unseen", "tab"])
def test_space_around_the_names_of_columns_does_not_matter(load, header):
    content = GOOD.replace("text,label", header)
    assert all_rows(load(content)) == all_rows(load(GOOD))
    assert all_rows(load(content, text=" text ", label=" label")) == all_rows(load(GOOD))
    first, second = header.split(",")
    objects = [{first: row["text"], second: row["label"]} for row in OBJECTS]
    lines = "\n".join(map(json.dumps, objects))
    assert all_rows(load(lines, "t.jsonl")) == all_rows(load(JSON_GOOD, "t.jsonl"))


def test_the_exact_name_of_a_column_goes_before_one_with_spaces(load):
    body = "".join(f"a{n},b{n},{'xy'[n % 2]}\n" for n in range(20))
    rows = all_rows(load(" text,text,label\n" + body))
    assert rows["train:1"]["text"] == "b0"
    assert all_rows(load(" text,text,label\n" + body, text=" text"))["train:1"]["text"] == "a0"
    with pytest.raises(LoaderError, match="'text' may be ' text' and 'text '; give the name with"):
        load(" text,text ,label\n" + body)
    assert plain_name("\ufeff text") == "text"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", json.dumps(OBJECTS)),
        ("t.jsonl", json.dumps(OBJECTS, indent=2) + "\n"),
        ("t.json", "\ufeff\n[\n" + ",\n".join(map(json.dumps, OBJECTS)) + "\n]"),
        ("t.json", JSON_GOOD),
        ("t.json.gz", gzip.compress(json.dumps(OBJECTS).encode())),
    ],
    ids=["one-line", "indented", "a-line-each", "no-array", "gzipped"],
)
def test_an_array_of_objects_is_a_table(load, name, content):
    assert all_rows(load(content, name)) == all_rows(load(JSON_GOOD, "t.jsonl"))


ARRAYS = {
    "cut-short": (json.dumps(OBJECTS, indent=1)[:-40], r"json:7\d: the JSON array is damaged here"),
    "no-comma": ("[\n" + JSON_GOOD + "]", "json:2: .*damaged behind the object"),
    "text-behind": ("[\n" + json.dumps(OBJECTS[0]) + "\n] x", "json:2: .*damaged behind"),
    "twice": ('[{"text": "x", "text": "y"}]', "json:1: .*a key occurs twice"),
    "empty": ("[]", "json: 0 rows"),
    "no-object": ('[\n{"text": "x", "label": "a"},\n5]', "json:3: expected a JSON object"),
    "no-label": ('[\n{"text": "x"}]', "json:2: in this object: unknown column 'label'"),
    "one-object": ('{\n"text": "x"\n}', "json:1: not valid JSON .*write each object on one line"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_a_bad_array_is_refused_with_its_line(load, case):
    content, message = ARRAYS[case]
    with pytest.raises(LoaderError, match=message) as caught:
        load(content, "t.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "bom"])
def test_the_first_line_of_excel_names_the_delimiter(load, start, end):
    content = f"{start}sep=;\n{GOOD.replace(',', ';')}".replace("\n", end)
    assert all_rows(load(content)) == all_rows(load(GOOD))
    with pytest.raises(LoaderError, match=r"table\.csv:23: expected 2 fields, found 3"):
        load(content + f"a;b;c{end}")
    with pytest.raises(LoaderError, match=r"table\.csv:2: unknown column 'txt'"):
        load(content, text="txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("marks", [1, 2, 3])
def test_any_number_of_byte_order_marks_is_no_part_of_the_header(load, encoding, marks):
    assert all_rows(load(("\ufeff" * marks + GOOD).encode(encoding))) == all_rows(load(GOOD))


def test_a_gzip_file_without_its_suffix_is_read(load):
    assert all_rows(load(gzip.compress(GOOD.encode()))) == all_rows(load(GOOD))


def archive(folder, *members):
    """Return the bytes of a ZIP archive."""
    with zipfile.ZipFile(folder / "archive", "w") as file:
        for member in members:
            file.writestr(member, "<x/>")
    return (folder / "archive").read_bytes()


OTHERS = {
    "excel": (lambda folder: archive(folder, "[Content_Types].xml", "xl/workbook.xml"), "an Excel"),
    "word": (lambda folder: archive(folder, "word/document.xml"), "a document and not a table"),
    "zip": (lambda folder: archive(folder, "train.csv"), "a ZIP archive.*unpack it"),
    "parquet": (lambda folder: b"PAR1 and more", "a Parquet file; name it .parquet"),
    "bzip2": (lambda folder: bz2.compress(GOOD.encode()), "packed with bzip2"),
    "xz": (lambda folder: lzma.compress(GOOD.encode()), "packed with xz"),
    "pdf": (lambda folder: b"%PDF-1.7\n", "a document and not a table"),
    "page": (lambda folder: b"\n<!DOCTYPE HTML><html>", "a web page; download the file itself"),
    "lfs": (lambda folder: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "json": (lambda folder: JSON_GOOD.encode(), "JSON; name it .json"),
    "gzip-twice": (lambda folder: gzip.compress(gzip.compress(b"x")), "gzipped twice"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_file_of_another_kind_is_named_for_what_it_is(load, tmp_path, case):
    make, message = OTHERS[case]
    with pytest.raises(LoaderError, match=rf"table\.csv: by its content this is .*{message}"):
        load(make(tmp_path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.docx", "a document and not a table; save it as CSV.*what can be read is .csv"),
        ("t.xlsx", "an Excel workbook; save it as CSV"),
        ("t.zip", "an archive; unpack it"),
        ("t.tar.gz", "an archive; unpack it"),
        ("t.txt", "name it .csv, .tsv or .jsonl"),
        ("t", "unknown kind of file; give one of .csv, .tsv, .json"),
    ],
)
def test_a_name_of_another_kind_is_told_what_can_be_read(load, name, message):
    with pytest.raises(LoaderError, match=rf"{name}: .*{message}"):
        load(GOOD, name)


def test_a_pipe_is_refused_without_being_opened(tmp_path):
    from benchbench_csv.csv_dataset import CsvDataset

    from tests.support.tables import settled

    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        with pytest.raises(LoaderError, match="not a regular file"):
            CsvDataset().source(settled(path=path))


MIXED = records(*[f"Größe {n},a" for n in range(9)]).encode() + "Maß,b\n".encode("cp1252")


def test_a_file_of_two_encodings_is_told_what_it_mostly_is(load):
    message = (
        r"table\.csv:31: byte 0xdf at offset \d+ is not utf-8; the file is mostly UTF-8: of the "
        r"lines beyond ASCII, 9 are UTF-8 and 1 not"
    )
    with pytest.raises(LoaderError, match=message):
        load(MIXED)


@pytest.mark.parametrize("content", [MIXED, records("Größe,a").encode()], ids=["mixed", "utf-8"])
def test_an_encoding_that_would_double_every_umlaut_is_refused(load, content):
    with pytest.raises(LoaderError, match=r"the file is UTF-8 and not cp1252: \d of"):
        load(content, encoding="cp1252")


def test_quotes_behind_backslashes_are_read_where_asked_for(load):
    content = records(r'"he said \"no\", twice",a', r'"C:\\tmp\new",b', r'"ends with \\",a')
    with pytest.raises(LoaderError, match=r"csv:22: .*set csv.quote_escape=backslash"):
        load(content)
    rows = all_rows(load(content, quote_escape="backslash"))
    texts = [rows[f"train:{number}"]["text"] for number in (21, 22, 23)]
    assert texts == ['he said "no", twice', r"C:\tmp\new", "ends with \\"]
