"""Corpora: from rows to Arrow files, and the guard that every corpus passes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import datasets
import pytest

from benchbench import LabelSpace, LoaderError, LoadReport
from benchbench.kit.data.corpora import BuildOptions, Row, build_corpus
from benchbench.kit.data.corpus_checks import Duplicates, check_corpus, find_duplicates
from benchbench.kit.data.corpus_store import (
    describe_corpus,
    read_corpus,
    training_counts,
    write_corpus,
)
from benchbench.kit.data.sampling import limit_corpus

LABELS = ("zebra", "ant", "fox")


def rows(count, prefix="r", labels=LABELS, **more):
    return [
        Row(f"{prefix}{i}", f"{prefix} text {i}", (labels[i % len(labels)],), **more)
        for i in range(count)
    ]


def several(count, prefix="m"):
    return [
        Row(f"{prefix}{i}", f"{prefix} text {i}", LABELS[: i % 3 + 1], main=LABELS[i % 3])
        for i in range(count)
    ]


@pytest.fixture
def corpus(tmp_path):
    return build_corpus(tmp_path / "built", "single-label", {"train": rows(60)})


def changed(corpus, split, index, **cells):
    """Return the corpus with one row of one split altered."""
    table = getattr(corpus, split).to_list()
    table[index] = {**table[index], **cells}
    dataset = datasets.Dataset.from_list(table, features=getattr(corpus, split).features)
    return replace(corpus, **{split: dataset})


def test_a_corpus_has_the_schema_and_the_sorted_labels_of_the_contract(corpus):
    assert corpus.labels.names == ("ant", "fox", "zebra")
    assert corpus.main_metric == "macro_f1"
    assert {name: str(kind) for name, kind in corpus.test.features.items()} == {
        "id": "Value('string')",
        "text": "Value('string')",
        "labels": "List(Value('int32'))",
        "main": "Value('int32')",
        "group": "Value('string')",
        "weight": "Value('float32')",
    }
    for row in corpus.train:
        assert corpus.labels.names[row["main"]] == LABELS[int(row["id"][1:]) % 3]
        assert row["labels"] == [row["main"]]
    check_corpus(corpus)


def test_missing_splits_are_carved_out_and_no_row_is_lost(corpus):
    ids = [row["id"] for split in ("train", "validation", "test") for row in getattr(corpus, split)]
    assert sorted(ids) == sorted(row.id for row in rows(60))
    assert (len(corpus.train), len(corpus.validation), len(corpus.test)) == (42, 6, 12)


def test_carving_follows_the_plan_over_many_batches(tmp_path):
    given = {"train": rows(2400)}
    given["train"][7] = given["train"][7]._replace(text="long " * 2_000_000)
    corpus = build_corpus(tmp_path, "single-label", given)
    for split, expected in (("train", 560), ("validation", 80), ("test", 160)):
        main = getattr(corpus, split)["main"][:]
        assert [main.count(code) for code in range(3)] == [expected] * 3
    check_corpus(corpus)


def test_batches_are_bounded_in_characters_as_well_as_in_rows(tmp_path):
    given = [row._replace(text="long " * 600_000) for row in rows(6)]
    corpus = build_corpus(tmp_path, "single-label", {"train": given, "test": rows(2500, "t")})
    assert max(len(chunk) for chunk in corpus.train.data.column("id").chunks) <= 2
    assert max(len(chunk) for chunk in corpus.test.data.column("id").chunks) == 1000


def test_given_splits_are_kept_as_they_are(tmp_path):
    given = {"train": rows(30), "test": rows(9, "t")}
    corpus = build_corpus(tmp_path, "single-label", given)
    assert corpus.test["id"][:] == [f"t{i}" for i in range(9)]
    assert (len(corpus.train), len(corpus.validation)) == (27, 3)


def test_multi_label_rows_keep_their_order_and_main_label_and_drop_repeats(tmp_path):
    given = [*several(30), Row("x", "text", ("fox", "ant", "fox"), main="ant")]
    corpus = build_corpus(tmp_path, "multi-label", {"train": given, "test": several(3, "t")})
    found = {row["id"]: row for part in (corpus.train, corpus.validation) for row in part}
    assert (found["x"]["labels"], found["x"]["main"]) == ([1, 0], 0)
    assert found["m2"]["labels"] == [2, 0, 1]
    assert corpus.main_metric == "micro_f1"


def test_the_label_space_never_comes_from_test_and_takes_declared_labels(tmp_path):
    given = {"train": rows(30), "test": [Row("t", "text", ("owl",))]}
    with pytest.raises(LoaderError, match=r"1 labels occur outside training only: 'owl' \(1\)"):
        build_corpus(tmp_path, "single-label", given)
    kept = build_corpus(tmp_path, "single-label", given, options=BuildOptions(unseen_labels="keep"))
    assert kept.labels.unseen == ("owl",)
    assert kept.test["labels"][0] == [3]
    assert "owl" in kept.report.warnings[0]
    check_corpus(kept)
    options = BuildOptions(declared=("owl", "yak"), texts={"ant": "an ant"})
    declared = build_corpus(tmp_path, "single-label", given, options=options)
    assert declared.labels.names == ("ant", "fox", "owl", "yak", "zebra")
    assert declared.labels.texts[0] == "an ant"
    assert training_counts(declared)[declared.labels.names.index("yak")] == 0


def test_groups_stay_together_and_may_not_stand_in_two_given_splits(tmp_path):
    grouped = [replace_group(row, f"g{i // 4}") for i, row in enumerate(rows(120))]
    corpus = build_corpus(tmp_path, "single-label", {"train": grouped})
    homes = [set(getattr(corpus, split)["group"]) for split in ("train", "validation", "test")]
    assert not (homes[0] & homes[1] or homes[0] & homes[2] or homes[1] & homes[2])
    clash = {"train": rows(30, group=""), "test": rows(3, "t", group="family 1")}
    clash["train"][0] = replace_group(clash["train"][0], "family 1")
    with pytest.raises(LoaderError, match="the group 'family 1' straddles splits"):
        build_corpus(tmp_path, "single-label", clash)


def replace_group(row, group):
    return row._replace(group=group)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(Row("", "t", ("ant",)), "the id is empty", id="no-id"),
        pytest.param(Row("x", " \n", ("ant",)), "the text is empty", id="no-text"),
        pytest.param(Row("x", "t", ("",)), "a label is empty", id="empty-label"),
        pytest.param(Row("x", "t", ()), "expected one label, found 0", id="no-label"),
        pytest.param(Row("x", "t", ("ant", "fox")), "expected one label, found 2", id="two"),
        pytest.param(Row("x", "t", ("ant",), main="fox"), "main label 'fox'", id="main"),
        pytest.param(Row("x", "t", ("ant",), weight=float("nan")), "weight", id="nan-weight"),
        pytest.param(Row("x", "\ud800", ("ant",)), "surrogate", id="surrogate"),
        pytest.param(Row("r1", "t", ("ant",)), "the id 'r1' is used twice", id="same-id"),
    ],
)
def test_a_row_that_breaks_its_contract_is_refused_by_name(tmp_path, row, message):
    options = BuildOptions(source="mine")
    with pytest.raises(LoaderError, match=message) as caught:
        build_corpus(tmp_path, "single-label", {"train": [*rows(30), row]}, options=options)
    assert str(caught.value).startswith("mine: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        pytest.param({"train": []}, {}, "train: 0 rows", id="no-rows"),
        pytest.param({"train": rows(9), "test": []}, {}, "test: 0 rows", id="empty-test"),
        pytest.param({"test": rows(9)}, {}, "no training rows", id="no-train"),
        pytest.param({"train": rows(9, labels=("a",))}, {}, r"1 label \('a'\)", id="one-label"),
        pytest.param({"train": rows(2, labels=("a", "b"))}, {}, "too few", id="too-few"),
        pytest.param(
            {"train": rows(9)},
            {"validation_fraction": 0.5, "test_fraction": 0.5},
            "must be above 0 and leave",
            id="fractions",
        ),
    ],
)
def test_rows_that_make_no_corpus_are_refused(tmp_path, given, options, message):
    with pytest.raises(LoaderError, match=message):
        build_corpus(tmp_path, "single-label", given, options=BuildOptions(**options))


def test_the_report_is_asked_for_after_the_last_row_and_before_labels_are_judged(tmp_path):
    read = []

    def source():
        for row in rows(12, labels=("only",)):
            read.append(row)
            yield row

    def report():
        assert len(read) == 12
        raise LoaderError("said by the report")

    with pytest.raises(LoaderError, match="said by the report"):
        build_corpus(tmp_path, "single-label", {"train": source()}, report=report)


def test_a_stored_corpus_reads_back_with_the_same_fingerprint(corpus, tmp_path):
    report = LoadReport(61, 60, ("a.csv:3: empty",), ("a.csv:4: mended",), ("mind",), {"n": 1})
    stored = replace(
        corpus,
        report=report,
        labels=replace(corpus.labels, parents={"ant": "insect"}),
    )
    fingerprint = write_corpus(stored, tmp_path / "a")
    again = read_corpus(tmp_path / "a")
    assert (again.report, again.labels, again.kind) == (report, stored.labels, "single-label")
    assert again.test.to_list() == corpus.test.to_list()
    assert write_corpus(again, tmp_path / "b") == fingerprint
    assert write_corpus(again, tmp_path / "a") == fingerprint  # onto the files it is mapped from
    for name in ("corpus.json", "train.arrow", "validation.arrow", "test.arrow"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_chunks_and_index_mappings_leave_no_trace_in_what_is_written(corpus, tmp_path):
    expected = write_corpus(corpus, tmp_path / "a")
    shuffled = corpus.train.select(range(41, -1, -1)).select(range(41, -1, -1))
    pieces = [corpus.train.select(range(i, i + 7)).flatten_indices() for i in range(0, 42, 7)]
    for name, train in {
        "mapped": shuffled,
        "chunked": datasets.concatenate_datasets(pieces),
    }.items():
        assert write_corpus(replace(corpus, train=train), tmp_path / name) == expected
        for split in ("train", "test"):
            same = (tmp_path / name / f"{split}.arrow", tmp_path / "a" / f"{split}.arrow")
            assert same[0].read_bytes() == same[1].read_bytes()


@pytest.mark.parametrize(
    "cells",
    [
        {"id": "other"},
        {"text": "other"},
        {"labels": [1], "main": 1},
        {"group": "g"},
        {"weight": 0.5},
    ],
    ids=lambda cells: next(iter(cells)),
)
def test_any_changed_cell_changes_the_fingerprint(corpus, tmp_path, cells):
    row = next(i for i, code in enumerate(corpus.test["main"]) if code != 1)
    before = write_corpus(corpus, tmp_path / "a")
    assert write_corpus(changed(corpus, "test", row, **cells), tmp_path / "b") != before


def test_the_label_space_and_the_split_of_a_row_are_in_the_fingerprint(corpus, tmp_path):
    before = write_corpus(corpus, tmp_path / "a")
    texts = replace(corpus.labels, texts=("A", "F", "Z"))
    swapped = replace(corpus, validation=corpus.test, test=corpus.validation)
    assert write_corpus(replace(corpus, labels=texts), tmp_path / "b") != before
    assert write_corpus(swapped, tmp_path / "c") != before
    whole = datasets.concatenate_datasets([corpus.validation, corpus.test])
    moved = replace(corpus, validation=whole.select(range(7)), test=whole.select(range(7, 18)))
    assert write_corpus(moved, tmp_path / "d") != before


def test_a_description_needs_no_arrow(corpus, tmp_path):
    fingerprint = write_corpus(corpus, tmp_path / "a")
    description = describe_corpus(tmp_path / "a")
    assert description.fingerprint == fingerprint
    assert description.labels.names == ("ant", "fox", "zebra")
    assert description.training_counts == (14, 14, 14)
    assert description.documents == {"train": 42, "validation": 6, "test": 12}
    program = (
        "import sys; from pathlib import Path;"
        "from benchbench.kit.data.corpus_store import describe_corpus;"
        "describe_corpus(Path(sys.argv[1]));"
        "sys.exit(bool({'pyarrow', 'datasets', 'torch', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], check=True)


def test_a_stored_corpus_that_was_cut_short_or_spoilt_is_refused(corpus, tmp_path):
    write_corpus(corpus, tmp_path)
    shorter = replace(corpus, test=corpus.test.select(range(3)))
    write_corpus(shorter, tmp_path / "shorter")
    whole = (tmp_path / "test.arrow").read_bytes()
    (tmp_path / "test.arrow").write_bytes((tmp_path / "shorter" / "test.arrow").read_bytes())
    with pytest.raises(LoaderError, match="expected 12 rows, found 3"):
        read_corpus(tmp_path)
    (tmp_path / "test.arrow").write_bytes(whole[:100])
    with pytest.raises(LoaderError, match=r"test\.arrow"):
        read_corpus(tmp_path)
    (tmp_path / "corpus.json").write_text(json.dumps([]))
    with pytest.raises(LoaderError, match="not a stored corpus"):
        read_corpus(tmp_path)
    with pytest.raises(LoaderError, match="not a stored corpus"):
        describe_corpus(tmp_path / "nowhere")


def test_a_limit_samples_every_split_keeps_every_label_and_the_label_space(corpus, tmp_path):
    limited = limit_corpus(corpus, 5, seed=0)
    assert [len(getattr(limited, s)) for s in ("train", "validation", "test")] == [5, 5, 5]
    assert set(limited.train["main"]) == {0, 1, 2}
    assert limited.labels == corpus.labels
    assert limited.train["id"][:] != corpus.train["id"][:5]
    check_corpus(limited)
    same = limit_corpus(replace(corpus, validation=corpus.test), 5, seed=0)
    assert same.train["id"][:] == limited.train["id"][:]
    assert limit_corpus(corpus, 5, seed=1).train["id"][:] != limited.train["id"][:]
    assert write_corpus(limited, tmp_path / "a") != write_corpus(corpus, tmp_path / "b")
    assert len(limit_corpus(corpus, 1000, seed=0).train) == 42


def test_a_limit_keeps_labels_that_only_stand_beside_others(tmp_path):
    rare = Row("rare", "text", ("zebra", "gnu"), main="zebra")
    given = {"train": [*several(300), rare], "test": several(9, "t")}
    corpus = build_corpus(tmp_path, "multi-label", given)
    limited = limit_corpus(corpus, 4, seed=3)
    assert all(count > 0 for count in training_counts(limited))


def test_a_limit_below_the_number_of_labels_names_the_least(corpus):
    with pytest.raises(LoaderError, match="at least 3"):
        limit_corpus(corpus, 2, seed=0)


def test_planted_duplicates_are_found_with_their_conflicts(tmp_path):
    train = rows(100)
    test = rows(100, "t")
    for i in range(7):
        test[i] = test[i]._replace(text=f"  R\u00a0TEXT\t{i} ")
    test[6] = test[6]._replace(labels=("fox",))
    validation = rows(10, "v")
    validation[0] = validation[0]._replace(text=test[50].text)
    given = {"train": train, "validation": validation, "test": test}
    corpus = build_corpus(tmp_path, "single-label", given)
    assert find_duplicates(corpus) == Duplicates(
        validation_in_train=0, test_in_train=7, test_in_validation=1, conflicting=2
    )


@pytest.mark.parametrize(
    ("split", "cells", "message"),
    [
        ("train", {"labels": [3], "main": 3}, "outside 0..2"),
        ("test", {"labels": [-1], "main": -1}, "outside 0..2"),
        ("test", {"labels": [0, 1], "main": 0}, "exactly one label"),
        ("test", {"labels": [], "main": -1}, "exactly one label"),
        ("test", {"labels": [1], "main": 0}, "main label is none of its labels"),
        ("test", {"labels": [1], "main": -1}, "main label of a single-label row"),
        ("test", {"labels": [1, 1], "main": 1}, "stands twice in it"),
        ("test", {"weight": float("inf")}, "weight"),
        ("test", {"weight": -1.0}, "weight"),
        ("test", {"text": None}, "missing"),
        ("test", {"labels": None}, "missing"),
        ("test", {"labels": [None]}, "missing"),
        ("test", {"id": "r0"}, "the id 'r0' is used twice"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_strangers_corpus_is_refused_for_each_broken_rule(tmp_path, split, cells, message):
    given = {"train": rows(30), "validation": rows(6, "v"), "test": rows(9, "t")}
    corpus = build_corpus(tmp_path, "single-label", given)
    check_corpus(corpus)
    with pytest.raises(LoaderError, match=message) as caught:
        check_corpus(changed(corpus, split, 5, **cells))
    assert split in str(caught.value)


def test_a_group_that_straddles_and_an_empty_split_and_a_strange_column_are_refused(corpus):
    straddling = changed(changed(corpus, "train", 0, group="g"), "test", 0, group="g")
    with pytest.raises(LoaderError, match="the group 'g' straddles"):
        check_corpus(straddling)
    with pytest.raises(LoaderError, match="validation: the split is empty"):
        check_corpus(replace(corpus, validation=corpus.validation.select([])))
    with pytest.raises(LoaderError, match="column 'extra'"):
        check_corpus(replace(corpus, test=corpus.test.add_column("extra", [1] * 12)))
    wide = corpus.test.cast_column("main", datasets.Value("int64"))
    with pytest.raises(LoaderError, match="column 'main': expected int32, found int64"):
        check_corpus(replace(corpus, test=wide))
    with pytest.raises(LoaderError, match="two are the least"):
        check_corpus(replace(corpus, labels=LabelSpace(("ant",))))


def test_the_same_rows_give_the_same_corpus_and_another_seed_another_test_set(tmp_path):
    def built(name, seed):
        options = BuildOptions(split_seed=seed)
        corpus = build_corpus(tmp_path / name, "single-label", {"train": rows(60)}, options=options)
        return write_corpus(corpus, tmp_path / f"{name}-stored")

    assert built("a", 0) == built("b", 0) != built("c", 1)


def test_no_file_is_left_beside_the_three_splits(corpus, tmp_path):
    names = sorted(path.name for path in (tmp_path / "built").iterdir())
    assert names == ["test.arrow", "train.arrow", "validation.arrow"]
