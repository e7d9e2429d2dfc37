"""What is planted in a dataset is found, and a clean one has nothing to look at."""

from __future__ import annotations

import csv
import json
import random

import pytest

from benchbench.analysis import check_data
from benchbench.kit.data import BuildOptions, Document, build_corpus
from tests.support.commands import benchbench

WORDS = [f"{one}{other}" for one in ("bra", "kel", "mor", "tin", "sud") for other in
         ("dan", "fel", "gor", "lim", "nap", "ris", "tov", "wex")]  # fmt: skip


def clean(count=240, seed=0):
    """Return documents of random words with two labels; splits are alike."""
    draw = random.Random(seed)
    return [
        Document(
            f"d{n}", f"Number {n:03}: {' '.join(draw.choices(WORDS, k=20))}", ("ab"[n % 2] * 4,)
        )
        for n in range(count)
    ]


def checks(tmp_path, train, validation=None, test=None, **options):
    rows = {"train": train, "validation": validation or clean(40, 1), "test": test or clean(60, 2)}
    named = {
        split: [Document(f"{split}-{one.id}", one.text, one.labels) for one in documents]
        for split, documents in rows.items()
    }
    several = any(len(one.labels) != 1 for documents in rows.values() for one in documents)
    kind = "multi-label" if several else "single-label"
    keep = BuildOptions(unseen_labels="keep")
    found = check_data(build_corpus(tmp_path, kind, named, options=keep), **options)
    return {check.name: check for check in found}


def test_a_clean_dataset_has_nothing_to_look_at(tmp_path):
    found = checks(tmp_path, clean())
    assert {name for name, check in found.items() if check.warning} == set()
    assert found["size"].result == "240 train, 40 validation, 60 test; 2 labels, single-label"


def text(document):
    return document.text


TWICE = Document("x", clean()[0].text.upper(), ("aaaa",))
SIMILAR = Document("x", f"{clean()[0].text} indeed", ("aaaa",))
OTHER = Document("x", clean()[0].text, ("bbbb",))
UNREADABLE = {
    "replaced characters": "a pump \ufffd of steel",
    "read in a wrong encoding": "eine gro\u00c3\u0178e Pumpe",
    "control characters": "a pump\x07",
    "no letter and no digit": "?! ...",
}


@pytest.mark.parametrize(
    ("name", "more", "where"),
    [
        ("same text within a split", TWICE, "train"),
        ("same text in two splits", TWICE, "test"),
        ("similar texts within a split", SIMILAR, "train"),
        ("similar texts in two splits", SIMILAR, "test"),
        ("other labels on the same or a similar text", OTHER, "test"),
        ("other labels on the same or a similar text", OTHER, "train"),
    ],
)
def test_what_stands_twice_is_named_row_by_row(tmp_path, name, more, where):
    splits = {"train": clean(), "test": clean(60, 2)}
    splits[where] = [*splits[where], more]
    check = checks(tmp_path, splits["train"], test=splits["test"])[name]
    assert check.warning and check.result == "1 pair"
    [finding] = check.findings
    assert (finding.split, finding.id) == (where, f"{where}-x")
    assert (finding.other_split, finding.other_id) == ("train", "train-d0")
    assert finding.detail == ("bbbb / aaaa" if more is OTHER else "")


@pytest.mark.parametrize(("fault", "broken"), UNREADABLE.items(), ids=UNREADABLE)
def test_a_text_that_can_hardly_be_read_is_named(tmp_path, fault, broken):
    check = checks(tmp_path, [*clean(), Document("x", broken, ("aaaa",))])["unreadable texts"]
    assert check.result == f"1 document: {fault}"
    assert [(one.id, one.detail) for one in check.findings] == [("train-x", fault)]


def test_texts_that_tell_their_label_are_counted(tmp_path):
    told = [Document(one.id, f"{one.text} {one.labels[0].upper()}", one.labels) for one in clean()]
    check = checks(tmp_path, told)["labels in texts"]
    assert check.warning and check.result.startswith("70.6")  # 240 of 340 documents


def test_a_rare_label_and_a_long_tail_are_seen(tmp_path):
    rows = clean()
    rare = [Document("x", "a text of its own", ("cccc",))]
    found = checks(tmp_path, [*rows, *rare])
    assert found["rare labels"].warning
    assert "'cccc' has the fewest training documents: 1; 1 label" in found["rare labels"].result
    many = [Document(one.id, one.text, (f"l{n % 10}" if n % 4 == 0 else "big",)) for n, one in
            enumerate(rows)]  # fmt: skip
    few = [Document(one.id, one.text, ("big",)) for one in clean(40, 1)]
    assert checks(tmp_path / "tail", many, few, few)["long tail"].warning


def test_a_label_that_training_does_not_have_is_named(tmp_path):
    check = checks(tmp_path, clean(), test=[*clean(60, 2), Document("x", "an odd text", ("zzzz",))])
    assert check["labels without training"].result == "1 label of 1 document: zzzz"


def test_a_test_split_of_another_kind_is_seen(tmp_path):
    one_label = [Document(one.id, one.text, ("aaaa",)) for one in clean(100, 2)]
    assert checks(tmp_path / "labels", clean(), test=one_label)["labels of test"].warning
    short = [Document(one.id, one.text[:40], one.labels) for one in clean(100, 2)]
    assert checks(tmp_path / "lengths", clean(), test=short)["lengths of test"].warning


def test_tokens_that_would_be_cut_are_counted(tmp_path):
    found = checks(tmp_path, clean(), tokens=lambda text: len(text.split()), document_tokens=11)
    assert found["tokens"].warning
    assert "340 documents cut at 11, which loses 50% of all tokens" in found["tokens"].result
    whole = checks(tmp_path / "whole", clean(), tokens=len, document_tokens=1000)["tokens"]
    assert not whole.warning and "0 documents cut at 1,000" in whole.result


def test_several_labels_and_none_are_taken(tmp_path):
    rows = [
        *clean(),
        Document("x", "a text alone", ()),
        Document("y", "two at once", ("aaaa", "bbbb")),
    ]
    found = checks(tmp_path, rows)
    assert found["documents without a label"].result == "1"
    assert found["size"].result.endswith("2 labels, multi-label")


@pytest.fixture
def table(tmp_path):
    rows = [{"text": one.text, "topic": one.labels[0]} for one in clean()]
    rows += [{"text": rows[0]["text"], "topic": rows[1]["topic"]}]
    with (tmp_path / "claims.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "topic"])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_the_command_prints_a_table_and_writes_all_of_it(table):
    words = ("data", "check", "--csv", "claims.csv", "--text", "text", "--label", "topic")
    done = benchbench(table, *words, "--output", "found.json", COLUMNS="80")
    assert "other labels on the same or a similar text" in " ".join(done.stdout.split())
    [checks_of_claims] = json.loads((table / "found.json").read_text()).values()
    named = {check["name"]: check for check in checks_of_claims}
    conflicts = named["other labels on the same or a similar text"]["findings"]
    assert len(conflicts) == 1 and {"aaaa", "bbbb"} <= set(conflicts[0]["detail"].split(" / "))


def test_strict_says_by_the_exit_code_that_there_is_something_to_look_at(table):
    words = ("data", "check", "--csv", "claims.csv", "--text", "text", "--label", "topic")
    benchbench(table, *words, "--strict", code=1)
    benchbench(table, *words, "--backbone", "nano-llama", code=0)
