"""Labels as people write them: in columns, in lists, with separators, missing, or alike."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import combinations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from benchbench_csv.label_checks import combinations_in

from benchbench import LoaderError
from tests.support.tables import all_rows, records

LABELS = ("pump", "seal", "valve")
SETS = [(), *combinations(LABELS, 1), *combinations(LABELS, 2)] * 10


def flags(yes, no):
    """Return a table with one column per label."""
    rows = [",".join(yes if label in chosen else no for label in LABELS) for chosen in SETS]
    lines = [f"text {number},{row}" for number, row in enumerate(rows)]
    return f"text,{','.join(LABELS)}\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("yes", "no"), [("1", "0"), ("true", "FALSE"), ("1.0", "0.0"), (" 1", "0 ")]
)
def test_columns_of_0_and_1_are_labels_named_after_the_columns(load, yes, no):
    corpus = load(flags(yes, no), label=",".join(LABELS))
    assert (corpus.kind, corpus.labels.names) == ("multi-label", LABELS)
    assert [tuple(all_rows(corpus)[f"train:{n + 1}"]["labels"]) for n in range(7)] == SETS[:7]
    assert corpus.report.facts["documents_without_labels"] == 10


def test_columns_separated_cells_and_lists_give_the_same_corpus(load):
    separated = "text,label\n" + "".join(f"text {n},{'|'.join(s)}\n" for n, s in enumerate(SETS))
    lists = "".join(
        json.dumps({"text": f"text {n}", "label": s}) + "\n" for n, s in enumerate(SETS)
    )
    expected = all_rows(load(flags("1", "0"), label=",".join(LABELS)))
    assert all_rows(load(separated, label_separator="|")) == expected
    assert all_rows(load(lists, "t.jsonl", labels_are_lists=True)) == expected


COLUMN_FAULTS = {
    "no-flag": ({"label": "pump,text2"}, r"csv:2: 'text2': expected 0, 1, true or false, .*'x'"),
    "unknown": ({"label": "pump,vlave"}, "unknown column 'vlave'. Did you mean 'valve'"),
    "twice": ({"label": "pump,pump"}, "names the column 'pump' twice"),
    "with-separator": ({"label": "pump,valve", "label_separator": "|"}, "not both"),
    "with-lists": ({"label": "pump,valve", "labels_are_lists": True}, "not both"),
    "with-main": ({"label": "pump,valve", "main_label": "first"}, "columns have none"),
    "as-text": ({"label": "pump,text"}, "'text' is also a text column"),
}


@pytest.mark.parametrize("case", COLUMN_FAULTS)
def test_label_columns_that_do_not_fit_are_named(load, case):
    params, message = COLUMN_FAULTS[case]
    content = "text,pump,valve,text2\n" + "t,1,0,x\n" * 9
    with pytest.raises(LoaderError, match=message) as caught:
        load(content, **params)
    assert "\n" not in str(caught.value)


def test_a_comma_in_the_name_of_a_label_column_is_written_with_a_backslash(load):
    content = 'text,"a,b"\n' + "".join(f"text {n},{'xy'[n % 2]}\n" for n in range(20))
    assert load(content, label="a\\,b").labels.names == ("x", "y")
    with pytest.raises(LoaderError, match=r"unknown column 'a'.*Write \\, for a comma"):
        load(content, label="a,b")


VECTORS = {
    "numbers": ([1, 0, 0], [0, 0, 1], {"labels_are_lists": True}),
    "booleans": ([True, False, False], [False, True, False], {"labels_are_lists": True}),
    "shares": ([0.7, 0.3, 0.0], [0.0, 0.5, 0.5], {"labels_are_lists": True}),
    "written-list": ("[1, 0, 0]", "[0, 1, 1]", {"labels_are_lists": True}),
    "no-flag": ([1, 0, 0], [0, 0, 1], {}),
    "written-no-flag": ("[1, 0, 0]", "[0, 1, 1]", {}),
    "spaces": ("1 0 0", "0 1 1", {}),
    "separated": ("1,0,0", "0,1,0", {"label_separator": ","}),
}


@pytest.mark.parametrize("case", VECTORS)
def test_vectors_of_0_and_1_become_no_labels(load, case):
    other, vector, params = VECTORS[case]
    lines = [json.dumps({"text": f"t{n}", "label": vector if n % 2 else other}) for n in range(20)]
    with pytest.raises(LoaderError, match=r"t\.jsonl:1: .*vector.*name them all, as in --label"):
        load("\n".join(lines), "t.jsonl", **params)


def test_lists_of_codes_that_are_no_vector_are_labels(load):
    codes = [[1], [0, 1], [0]]
    lines = [json.dumps({"text": f"t{n}", "label": codes[n % 3]}) for n in range(30)]
    assert load("\n".join(lines), "t.jsonl", labels_are_lists=True).labels.names == ("0", "1")


@pytest.mark.parametrize("separator", ["|", ";", ",", "/"])
def test_combinations_of_few_labels_ask_for_a_separator(load, separator):
    cells = [separator.join(chosen) for chosen in SETS if chosen]
    content = "text,label\n" + "".join(f't{n},"{cell}"\n' for n, cell in enumerate(cells))
    asks = r"3 of the 6 labels of 'label' are combinations of 3 labels, .*--label-separator"
    with pytest.raises(LoaderError, match=asks):
        load(content)
    assert load(content, label_separator=separator).labels.names == LABELS
    assert len(load(content, label_separator="none").labels) == 6


@pytest.mark.parametrize("written", ["tab", "\\t", "\t"], ids=["word", "escape", "tab"])
def test_a_tab_between_labels_may_be_written_as_a_word(load, written):
    cells = ["a\tb", "b", "a"] * 9
    content = "text,label\n" + "".join(f"t{n},{cell}\n" for n, cell in enumerate(cells))
    assert load(content, label_separator=written).labels.names == ("a", "b")


def test_combinations_are_found_among_hundreds_of_classes():
    pairs = ["|".join(pair) for pair in combinations("abcdefghijklmnopqrstuvwxyz", 2)]
    found = combinations_in([*pairs, *"abcdefghijklmnopqrstuvwxyz"])
    assert (found.separator, found.count, found.pieces) == ("|", 325, 26)
    codes = [" ".join(pair) for pair in combinations(["A01B", "B02C", "C03D", "D04E", "H05F"], 2)]
    assert combinations_in(codes).separator == " "


@pytest.mark.parametrize(
    "labels",
    [
        ["sport/golf", "sport/judo", "art/film", "art/jazz", "news/home", "news/world"],
        [f"{size}, {colour}" for size in ("big", "small") for colour in ("red", "blue", "green")],
        ["Arts, Crafts", "Sci/Tech", "R&B", "Home", "World", "Sports"],
        ["credit card", "debit card", "card", "credit", "debit", "card credit"],
        ["1,0", "1,3", "1,7", "2,0", "2,3", "2,7", "3,0", "3,3", "3,7", "4,0"],
        ["a|b", "b|a", "a", "b"],
    ],
    ids=["hierarchy", "product", "commas", "words", "decimals", "few"],
)
def test_names_that_hold_a_separator_by_nature_are_labels(labels):
    assert combinations_in(labels) is None


def test_a_separator_that_occurs_in_no_cell_is_refused_with_what_was_found(load):
    with pytest.raises(LoaderError, match=r"separator '\|' occurs in no cell .*found 'a', 'b'"):
        load(records(), label_separator="|")
    cells = [";".join(chosen) for chosen in SETS if chosen]
    content = "text,label\n" + "".join(f"t{n},{cell}\n" for n, cell in enumerate(cells))
    with pytest.raises(LoaderError, match="set label_separator=';'"):
        load(content, label_separator="|")


@pytest.mark.parametrize("cell", ["[]", "", "null"], ids=["list", "text", "null"])
def test_a_document_of_a_list_may_have_no_label(load, cell):
    written = '""' if cell == "" else cell
    lines = [f'{{"text": "t{n}", "label": ["{"ab"[n % 2]}"]}}' for n in range(20)]
    corpus = load("\n".join([*lines, f'{{"text": "x", "label": {written}}}']), "t.jsonl",
                  labels_are_lists=True)  # fmt: skip
    assert all_rows(corpus)["train:21"] == {
        "id": "train:21", "text": "x", "labels": [], "main": -1, "group": "", "weight": 1.0
    }  # fmt: skip


ALIKE = {
    "zero-width": ("alpha", "alpha\u200b", r"'alpha' \(1\), 'alpha\\u200b' \(1\)"),
    "soft-hyphen": ("alpha", "al\u00adpha", r"'alpha' \(1\), 'al\\xadpha' \(1\)"),
    "no-break": ("a one", "a\u00a0one", r"'a one' \(1\), 'a\\xa0one' \(1\)"),
    "two-spaces": ("a one", "a  one", r"'a  one' \(1\), 'a one' \(1\)"),
    "decomposed": ("caf\u00e9", "cafe\u0301", r"'cafe\\u0301' \(1\), 'caf\\xe9' \(1\)"),
}


@pytest.mark.parametrize("case", ALIKE)
def test_labels_that_look_alike_are_shown_with_their_code_points(load, case):
    first, second, shown = ALIKE[case]
    content = records(f"x,{first}", f"y,{second}")
    message = rf"labels {shown} differ .*csv:2[23] and .*csv:2[23]\); set csv\.normalize_labels"
    with pytest.raises(LoaderError, match=message):
        load(content)
    corpus = load(content, normalize_labels=True)
    assert len(corpus.labels) == 3
    assert corpus.report.facts["labels_normalized"] == 1


def test_labels_that_differ_in_case_are_shown_as_they_are_and_stay_apart(load):
    content = records("x,Größe", "y,größe")
    for normalize in (False, True):
        with pytest.raises(LoaderError, match=r"'Größe' \(1\), 'größe' .*\); write them the same"):
            load(content, normalize_labels=normalize)


def parquet(folder, table, **feature):
    """Return the bytes of a Parquet file as the library `datasets` writes it."""
    metadata = {"info": {"features": {"label": feature}}} if feature else {}
    pq.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps(metadata)}), folder / "made"
    )
    return (folder / "made").read_bytes()


CLASSES = {"names": ["pump", "valve", "seal"], "_type": "ClassLabel"}


def test_the_names_of_a_class_label_column_are_the_labels(load, tmp_path):
    table = pa.table({"text": [f"t{n}" for n in range(30)], "label": [0, 1, 2] * 10})
    corpus = load(parquet(tmp_path, table, **CLASSES), "t.parquet")
    assert corpus.labels.names == LABELS
    assert all_rows(corpus)["train:2"]["labels"] == ["valve"]


@pytest.mark.parametrize("number", [-1, 3])
def test_a_class_without_a_name_is_a_bad_row(load, tmp_path, number):
    table = pa.table({"text": ["t", "u", "v"], "label": [0, 1, number]})
    with pytest.raises(LoaderError, match=r"parquet:3: 'label'(:| is empty).*on_bad_row=skip"):
        load(parquet(tmp_path, table, **CLASSES), "t.parquet")


@pytest.mark.parametrize(
    "feature",
    [{"feature": CLASSES, "_type": "Sequence"}, {"feature": CLASSES, "_type": "List"}],
    ids=["sequence", "list"],
)
def test_the_names_of_lists_of_class_labels_are_the_labels(load, tmp_path, feature):
    table = pa.table({"text": [f"t{n}" for n in range(30)], "label": [[0, 1], [2], []] * 10})
    corpus = load(parquet(tmp_path, table, **feature), "t.parquet", labels_are_lists=True)
    assert all_rows(corpus)["train:1"]["labels"] == ["pump", "valve"]
    assert all_rows(corpus)["train:3"]["labels"] == []


def test_decimals_keep_their_digits(load, tmp_path):
    cells = pa.array([Decimal("0.50"), Decimal("1.00")] * 10, pa.decimal128(3, 2))
    table = pa.table({"text": [f"t{n}" for n in range(20)], "label": cells, "w": cells})
    corpus = load(parquet(tmp_path, table), "t.parquet", weight="w")
    assert corpus.labels.names == ("0.50", "1.00")
    assert all_rows(corpus)["train:1"]["weight"] == 0.5
