"""Corpora: from documents to the Arrow files of a corpus."""

from __future__ import annotations

import pytest

from benchbench import LoaderError
from benchbench.kit.data.corpora import BuildOptions, build_corpus
from benchbench.kit.data.corpus_checks import check_corpus
from benchbench.kit.data.corpus_store import training_counts, write_corpus
from benchbench.kit.data.document import Document
from tests.support.corpora import LABELS, rows, several


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
    documents = {"train": rows(2400)}
    documents["train"][7] = documents["train"][7]._replace(text="long " * 2_000_000)
    corpus = build_corpus(tmp_path, "single-label", documents)
    for split, expected in (("train", 560), ("validation", 80), ("test", 160)):
        main = getattr(corpus, split)["main"][:]
        assert [main.count(code) for code in range(3)] == [expected] * 3
    check_corpus(corpus)


def test_batches_are_bounded_in_characters_as_well_as_in_rows(tmp_path):
    documents = [row._replace(text="long " * 600_000) for row in rows(6)]
    corpus = build_corpus(tmp_path, "single-label", {"train": documents, "test": rows(2500, "t")})
    assert max(len(chunk) for chunk in corpus.train.data.column("id").chunks) <= 2
    assert max(len(chunk) for chunk in corpus.test.data.column("id").chunks) == 1000


def test_given_splits_are_kept_as_they_are(tmp_path):
    documents = {"train": rows(30), "test": rows(9, "t")}
    corpus = build_corpus(tmp_path, "single-label", documents)
    assert corpus.test["id"][:] == [f"t{i}" for i in range(9)]
    assert (len(corpus.train), len(corpus.validation)) == (27, 3)


def test_multi_label_rows_keep_their_order_and_main_label_and_drop_repeats(tmp_path):
    documents = [*several(30), Document("x", "text", ("fox", "ant", "fox"), main="ant")]
    corpus = build_corpus(tmp_path, "multi-label", {"train": documents, "test": several(3, "t")})
    by_id = {row["id"]: row for part in (corpus.train, corpus.validation) for row in part}
    assert (by_id["x"]["labels"], by_id["x"]["main"]) == ([1, 0], 0)
    assert by_id["m2"]["labels"] == [2, 0, 1]
    assert corpus.main_metric == "micro_f1"


def test_the_label_space_never_comes_from_test_and_takes_declared_labels(tmp_path):
    documents = {"train": rows(30), "test": [Document("t", "text", ("owl",))]}
    with pytest.raises(LoaderError, match=r"1 labels occur outside training only: 'owl' \(1\)"):
        build_corpus(tmp_path, "single-label", documents)
    kept = build_corpus(
        tmp_path, "single-label", documents, options=BuildOptions(unseen_labels="keep")
    )
    assert kept.labels.unseen == ("owl",)
    assert kept.test["labels"][0] == [3]
    assert "owl" in kept.report.warnings[0]
    check_corpus(kept)
    options = BuildOptions(declared=("owl", "yak"), texts={"ant": "an ant"})
    declared = build_corpus(tmp_path, "single-label", documents, options=options)
    assert declared.labels.names == ("ant", "fox", "owl", "yak", "zebra")
    assert declared.labels.texts[0] == "an ant"
    assert training_counts(declared)[2:4] == (0, 0)  # owl and yak


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
        pytest.param(Document("", "t", ("ant",)), "the id is empty", id="no-id"),
        pytest.param(Document("x", " \n", ("ant",)), "the text is empty", id="no-text"),
        pytest.param(Document("x", "t", ("",)), "a label is empty", id="empty-label"),
        pytest.param(Document("x", "t", ()), "expected one label, found 0", id="no-label"),
        pytest.param(Document("x", "t", ("ant", "fox")), "expected one label, found 2", id="two"),
        pytest.param(Document("x", "t", ("ant",), main="fox"), "main label 'fox'", id="main"),
        pytest.param(Document("x", "t", ("ant",), weight=float("nan")), "weight", id="nan-weight"),
        pytest.param(Document("x", "\ud800", ("ant",)), "surrogate", id="surrogate"),
        pytest.param(Document("r1", "t", ("ant",)), "the id 'r1' is used twice", id="same-id"),
    ],
)
def test_a_row_that_breaks_its_contract_is_refused_by_name(tmp_path, row, message):
    options = BuildOptions(source="mine")
    with pytest.raises(LoaderError, match=message) as caught:
        build_corpus(tmp_path, "single-label", {"train": [*rows(30), row]}, options=options)
    assert str(caught.value).startswith("mine: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("documents", "options", "message"),
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
def test_rows_that_make_no_corpus_are_refused(tmp_path, documents, options, message):
    with pytest.raises(LoaderError, match=message):
        build_corpus(tmp_path, "single-label", documents, options=BuildOptions(**options))


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


def test_the_same_rows_give_the_same_corpus_and_another_seed_another_test_set(tmp_path):
    def built(name, seed):
        options = BuildOptions(split_seed=seed)
        corpus = build_corpus(tmp_path / name, "single-label", {"train": rows(60)}, options=options)
        return write_corpus(corpus, tmp_path / f"{name}-stored")

    assert built("a", 0) == built("b", 0) != built("c", 1)


def test_no_file_is_left_beside_the_three_splits(corpus, tmp_path):
    names = sorted(path.name for path in (tmp_path / "built").iterdir())
    assert names == ["test.arrow", "train.arrow", "validation.arrow"]
