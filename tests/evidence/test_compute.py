"""From stored predictions to evidence, compared with the same numbers computed another way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from benchbench.evaluation import METRICS, f1
from benchbench.evidence.board import records_on, write_board
from benchbench.evidence.compute import compute_evidence, inputs_of, load_or_compute
from benchbench.evidence.runs import main_score
from benchbench.evidence.systems import systems_on
from benchbench.evidence.values import Evidence
from benchbench.leaderboard.build import build_leaderboard
from benchbench.leaderboard.tables import p_text
from benchbench.machine import read_as
from benchbench.records.store import read_json
from tests.support.building import column
from tests.support.predicted import DOCUMENTS, SYSTEMS, store_of

KINDS = ("single-label", "multi-label")


@pytest.fixture(scope="module", params=KINDS)
def computed(request, tmp_path_factory):
    store, board = store_of(tmp_path_factory.mktemp("store"), kind=request.param, unseen=1)
    records = records_on(store, board)
    return store, board, records, compute_evidence(store, board, records)


def only_dataset(evidence):
    (dataset,) = evidence.datasets.values()
    return dataset


def test_systems_are_ordered_best_first_and_their_values_are_the_means_of_their_runs(computed):
    _, board, records, evidence = computed
    ranked, _ = systems_on(board, "claims", records, evidence.values)
    claims = only_dataset(evidence)
    assert [shown.method for shown in claims.systems] == [system.method for system in ranked]
    for shown, system in zip(claims.systems, ranked, strict=True):
        assert shown.value == pytest.approx(system.mean(claims.metric), abs=1e-12)
        assert shown.shown.interval.low <= shown.shown.value <= shown.shown.interval.high
        assert shown.seeds == tuple(range(len(system.records)))
        assert shown.speaks_for_method == (shown.method != "tfidf")


def test_with_a_rare_label_the_interval_is_that_of_the_frequent_labels(computed):
    _, board, records, evidence = computed
    claims = only_dataset(evidence)
    section = build_leaderboard(board, records, evidence).sections[0]
    titles = [column.title for column in section.ranking.columns]
    if claims.metric == "micro_f1":
        assert claims.frequent_labels is None
        assert all(system.frequent is None and system.interval for system in claims.systems)
        return
    # the unseen label is in no training document, so that none of its test documents is expected
    assert claims.frequent_labels == 5
    assert all(system.interval is None for system in claims.systems)
    assert all(pair.interval is None for pair in claims.pairs)
    for system in claims.systems:
        assert system.frequent.value == pytest.approx(np.mean(system.label_f1[:5]), abs=1e-12)
    assert "macro-F1, 5 frequent labels" in titles
    assert "5 of 6 labels" in " ".join(section.notes)


def test_without_a_frequent_label_macro_f1_has_no_interval_and_the_notes_say_so(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(f1, "LEAST_EXPECTED", 30)  # they expect 21.6 to 24
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    evidence = compute_evidence(store, board, records)
    claims = only_dataset(evidence)
    assert [system.shown.interval for system in claims.systems] == [None] * 3
    assert claims.pair(0, 2).p_holm < 0.05
    section = build_leaderboard(board, records, evidence).sections[0]
    assert "no label expects 10 test documents" in " ".join(section.notes)
    (interval,) = [c for c in section.ranking.columns if c.title.startswith("95 % interval")]
    assert column(section.ranking, interval.title) == ["–"] * 3


def test_every_pair_is_compared_once_and_holm_corrects_for_all_pairs(computed):
    evidence = computed[3]
    claims = only_dataset(evidence)
    assert [(pair.first, pair.second) for pair in claims.pairs] == [(0, 1), (0, 2), (1, 2)]
    for pair in claims.pairs:
        gap = claims.systems[pair.first].value - claims.systems[pair.second].value
        assert pair.difference == pytest.approx(gap, abs=1e-12)
        assert pair.p <= pair.p_holm <= min(1.0, 3 * pair.p) + 1e-12
        assert pair.shown.interval.low <= pair.shown.value <= pair.shown.interval.high


def test_a_large_difference_is_significant_and_a_small_one_is_not(computed):
    claims = only_dataset(computed[3])
    assert claims.pair(0, 1).p_holm > 0.05
    assert claims.pair(0, 2).p_holm < 0.05
    letters = [set(system.letters) for system in claims.systems]
    assert letters[0] & letters[1]
    assert not letters[0] & letters[2]
    assert (claims.systems[2].best_rank, claims.systems[2].worst_rank) == (3, 3)
    assert (claims.systems[0].best_rank, claims.systems[0].worst_rank) == (1, 2)


def test_the_baseline_is_the_best_system_whose_method_is_a_baseline_method(computed):
    store, board, records, evidence = computed
    claims = only_dataset(evidence)
    assert claims.systems[claims.baseline].method == "tfidf"
    other = compute_evidence(store, replace(board, baseline_methods=()), records)
    assert only_dataset(other).baseline is None


def test_documents_and_groups_are_counted(computed):
    claims = only_dataset(computed[3])
    assert claims.documents == DOCUMENTS["test"]
    assert claims.clusters == DOCUMENTS["test"] * 2 // 3
    assert len(claims.labels) == len(claims.support) == 6


def test_mcnemar_compares_equal_seeds_and_a_single_seed_with_every_other(computed):
    claims = only_dataset(computed[3])
    assert [test.seed for test in claims.pair(0, 1).mcnemar] == [0, 1, 2]
    assert [test.seed for test in claims.pair(0, 2).mcnemar] == [0, 1, 2]


def test_label_f1_and_confusions_agree_with_scikit_learn(tmp_path):
    from benchbench.records.prediction_files import read_predictions

    store, board = store_of(tmp_path, SYSTEMS[:1])
    records = records_on(store, board)
    (system,) = only_dataset(compute_evidence(store, board, records)).systems
    f1, matrix = [], 0
    for record in records.values():
        path = store.folder("predictions") / f"{record.predictions}.parquet"
        test = read_predictions(path, 5)["test"]
        truth, decided = test.gold.argmax(1), test.logits.argmax(1)
        f1.append(f1_score(truth, decided, labels=range(5), average=None))
        matrix = matrix + confusion_matrix(truth, decided, labels=range(5))
    assert np.allclose(system.label_f1, np.mean(f1, axis=0), atol=1e-12)
    confusion = np.zeros((5, 5), dtype=int)
    for true, decided, count in system.confusion:
        confusion[true, decided] = count
    assert (confusion == matrix).all()
    assert sum(count for _, _, count in system.reliability) == 3 * DOCUMENTS["test"]


def test_evidence_is_read_as_it_was_written(computed):
    import json

    evidence = computed[3]
    assert read_as(Evidence, json.loads(json.dumps(evidence.to_json()))) == evidence


def test_stored_evidence_is_computed_again_only_where_it_is_outdated_or_damaged(tmp_path):
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    messages = []
    first = load_or_compute(store, board, records, messages.append)
    assert len(messages) == 1
    assert load_or_compute(store, board, records, messages.append) == first
    assert len(messages) == 1
    assert read_json(store, "evidence", "board")["inputs"] == inputs_of(board, records)
    fewer = replace(board, cells=board.cells[3:])
    write_board(store, fewer, ())
    second = load_or_compute(store, fewer, records_on(store, fewer), messages.append)
    assert len(messages) == 2
    assert only_dataset(second).systems != only_dataset(first).systems
    path = store.root / "evidence" / "board.json"
    path.write_bytes(path.read_bytes()[:-9])
    assert load_or_compute(store, fewer, records_on(store, fewer)) == second


def test_a_run_whose_predictions_are_gone_is_named_and_its_system_is_not_compared(tmp_path):
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    lost = next(r for r in records.values() if r.cell.method.name == "instruction")
    (store.folder("predictions") / f"{lost.predictions}.parquet").unlink()
    evidence = compute_evidence(store, board, records)
    assert [system.method for system in only_dataset(evidence).systems] == ["head", "tfidf"]
    assert list(evidence.unread) == [lost.id]
    section = build_leaderboard(board, records, evidence).sections[0]
    assert section.failures == (
        f"instruction · llama · claims · seed 0: not shown: {lost.predictions}.parquet cannot be "
        "read (No such file or directory)",
    )
    assert column(section.ranking, "method") == ["head", "tfidf", "instruction"]
    assert column(section.ranking, "seeds") == ["3 of 3", "1 of 1", "2 of 3"]
    assert column(section.ranking, "tied, these trained models").count("–") == 1


def test_a_run_made_on_other_data_than_the_boards_is_not_read(tmp_path):
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    first = next(iter(records.values()))
    other = replace(first, identity={**first.identity, "dataset": "f" * 64})
    evidence = compute_evidence(store, board, {**records, first.id: other})
    assert "the fingerprints differ" in evidence.unread[first.id]


def test_a_changed_metric_changes_values_and_intervals_together(tmp_path, monkeypatch):
    """A fixed metric applies to every finished cell: no value of the old metric is left."""
    from benchbench.evidence import runs

    store, board = store_of(tmp_path)
    records = records_on(store, board)
    before = only_dataset(compute_evidence(store, board, records))

    def halved(scored):
        whole = f1.macro_f1(scored)
        return replace(whole, from_totals=lambda totals: whole.from_totals(totals) / 2)

    rows = [replace(row, function=halved) if row.name == "macro_f1" else row for row in METRICS]
    monkeypatch.setattr(runs, "METRICS", tuple(rows))
    monkeypatch.setattr(runs.score_board, "__defaults__", (tuple(rows), ()))
    evidence = compute_evidence(store, board, records)
    section = build_leaderboard(board, records, evidence).sections[0]
    for old, new, shown in zip(
        before.systems, only_dataset(evidence).systems, section.ranking.rows, strict=True
    ):
        assert new.value == pytest.approx(old.value / 2)
        assert new.interval.low <= new.value <= new.interval.high < old.interval.low
        assert shown.entries[2].values[0] == pytest.approx(new.value)


def test_a_system_with_other_test_documents_is_left_out(tmp_path):
    from tests.support import predicted

    store, board = store_of(tmp_path)
    records = records_on(store, board)
    tfidf = next(r for r in records.values() if r.cell.method.name == "tfidf")
    truth = {split: predicted.gold(split, "single-label", 5, 0) for split in DOCUMENTS}
    truth["test"] = [[(truth["test"][0][0] + 1) % 5], *truth["test"][1:]]
    rows = predicted.table(truth, 1.0, 5, np.random.default_rng(0))
    path = tmp_path / "other.parquet"
    name = predicted.write_predictions(rows, path)
    path.rename(store.folder("predictions") / f"{name}.parquet")
    other = {**records, tfidf.id: replace(tfidf, predictions=name)}
    claims = only_dataset(compute_evidence(store, board, other))
    assert [system.method for system in claims.systems] == ["head", "instruction"]
    assert "differ from those of the other systems" in claims.left_out[0]


def test_the_leaderboard_shows_the_evidence(computed):
    _store, board, records, evidence = computed
    section = build_leaderboard(board, records, evidence).sections[0]
    table, claims = section.ranking, only_dataset(evidence)
    interval = next(c.title for c in table.columns if c.title.startswith("95 % interval"))
    assert interval == f"95 % interval, n = {DOCUMENTS['test']}"
    first = claims.systems[0].shown.interval
    assert column(table, interval)[0] == f"{first.low:.3f} to {first.high:.3f}"
    models = "these trained models"
    assert column(table, f"tied, {models}") == [system.letters for system in claims.systems]
    assert column(table, f"rank, {models}") == ["1 to 2", "1 to 2", "3"]
    assert column(table, "p vs baseline")[2] == "–"
    assert column(table, "p vs baseline")[0] == p_text(claims.pair(0, 2).p_holm)
    keys = [table.key for table in section.tables]
    assert keys[0] == "ranking"
    assert {"metrics", "hierarchy", "calibration", "differences", "mcnemar", "pairs"} <= set(keys)
    differences = next(table for table in section.tables if table.key == "differences")
    assert differences.rows[0].entries[3].values == (claims.pairs[0].difference,)
    assert differences.rows[1].entries[2].values == (claims.pairs[0].p_holm,)
    notes = " ".join(section.notes)
    assert "120 test documents in 80 groups" in notes
    assert "Those of tfidf are about these trained models, and not about the methods" in notes


def test_a_method_without_seeds_speaks_for_itself_and_is_said_to(tmp_path):
    store, board = store_of(tmp_path)
    board = replace(board, seed_free_methods=("tfidf",))
    records = records_on(store, board)
    evidence = compute_evidence(store, board, records)
    claims = only_dataset(evidence)
    assert claims.about_methods and all(pair.about_methods for pair in claims.pairs)
    assert claims.exchanges == 0
    section = build_leaderboard(board, records, evidence).sections[0]
    assert {"tied", "rank"} <= {column.title for column in section.ranking.columns}
    assert "They are about the methods" in " ".join(section.notes)


def test_two_methods_without_seeds_are_tested_by_exchanging_their_outputs(tmp_path):
    store, board = store_of(tmp_path, (("one", "", 1.9, 1), ("two", "", 2.0, 1)))
    board = replace(board, seed_free_methods=("one", "two"))
    claims = only_dataset(compute_evidence(store, board, records_on(store, board)))
    assert claims.exchanges == 9_999
    assert claims.about_methods
    assert (claims.pairs[0].p * 10_000) % 1 == pytest.approx(0, abs=1e-6)


def test_fewer_than_three_seeds_speak_for_these_trained_models(tmp_path):
    store, board = store_of(tmp_path, (("head", "llama", 2.0, 2), ("other", "llama", 1.0, 3)))
    records = records_on(store, board)
    claims = only_dataset(compute_evidence(store, board, records))
    assert [system.speaks_for_method for system in claims.systems] == [False, True]
    assert not claims.pairs[0].about_methods
    assert claims.exchanges == 9_999


def test_another_dataset_changes_no_verdict(tmp_path):
    """The family of the correction is the pairs of the dataset."""
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    alone = compute_evidence(store, board, records).datasets["claims"]
    _, other = store_of(tmp_path / "other", dataset="others")
    # the files of the other store, in the same one
    for path in (tmp_path / "other" / "store").rglob("*"):
        if path.is_file():
            target = store.root / path.relative_to(tmp_path / "other" / "store")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    both = replace(
        board, cells=(*board.cells, *other.cells), datasets={**board.datasets, **other.datasets}
    )
    evidence = compute_evidence(store, both, records_on(store, both))
    assert evidence.datasets["claims"] == alone


def test_the_baseline_is_the_best_on_validation_whatever_test_says(computed):
    store, board, records, _ = computed
    board = replace(board, baseline_methods=("head", "instruction"))
    evidence = compute_evidence(store, board, records)
    claims = only_dataset(evidence)
    ranked, _ = systems_on(board, "claims", records, evidence.values)
    best = max(ranked[:2], key=lambda system: system.mean(claims.metric, "validation"))
    assert claims.systems[claims.baseline].method == best.method


def test_a_system_without_a_value_ranks_last_where_lower_is_better(tmp_path):
    store, board = store_of(tmp_path)
    records = {
        cell: replace(record, facts={**record.facts, "hard": record.cell.method.name == "head"})
        for cell, record in records_on(store, board).items()
    }
    evidence = compute_evidence(store, board, records, metric="nll")
    found = only_dataset(evidence)
    assert [system.method for system in found.systems] == ["instruction", "tfidf"]
    assert found.systems[0].value < found.systems[1].value
    assert (found.systems[0].best_rank, found.systems[1].worst_rank) == (1, 2)
    section = build_leaderboard(board, records, evidence).sections[0]
    assert column(section.ranking, "method") == ["instruction", "tfidf", "head"]
    assert section.lower_is_better
    assert any("Ranked by NLL" in note for note in section.notes)


def test_a_run_that_could_not_be_read_is_tried_again(tmp_path):
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    lost = store.folder("predictions") / f"{next(iter(records.values())).predictions}.parquet"
    lost.rename(tmp_path / "aside")
    assert len(load_or_compute(store, board, records).unread) == 1
    (tmp_path / "aside").rename(lost)
    assert load_or_compute(store, board, records).unread == {}


def test_another_title_or_command_computes_nothing_anew(tmp_path):
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    other = replace(board, title="another", command="another", note="another")
    assert inputs_of(other, records) == inputs_of(board, records)
    assert inputs_of(replace(board, cells=board.cells[1:]), records) != inputs_of(board, records)


def test_the_main_score_of_a_record_needs_no_board(tmp_path):
    store, board = store_of(tmp_path)
    evidence = compute_evidence(store, board, records_on(store, board))
    (store.folder("boards") / "board.json").unlink()
    for cell, record in records_on(store, board).items():
        assert main_score(store, record) == evidence.values[cell]["test"]["macro_f1"]
    assert main_score(store, replace(record, predictions="f" * 64)) is None
