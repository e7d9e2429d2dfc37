"""The leaderboard: what is ranked, what is shown, and that equal input gives equal tables."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from statistics import fmean, stdev

import pytest

from benchbench import Reference
from benchbench.contract.errors import StoreError
from benchbench.contract.executor import Outcome
from benchbench.evidence import Board, read_board, records_on, write_board
from benchbench.leaderboard.build import Leaderboard, build_leaderboard
from benchbench.machine import read_as
from benchbench.records.attempts import publish
from benchbench.records.store import open_store, write_json
from benchbench.render.formats import markdown
from tests.support.building import (
    board,
    built,
    by_id,
    cell,
    column,
    evidence,
    facts,
    ranked,
    record,
    scores,
)

SYSTEMS = [
    record(cell(method=method, seed=seed), value=value + seed / 100)
    for method, value in (("head", 0.7), ("instruction", 0.8), ("tfidf", 0.6))
    for seed in (0, 1, 2)
]


def section(records, **more):
    return built(records, board(records, **more)).sections[0]


def ranking(records, **more):
    return section(records, **more).ranking


def test_systems_are_ranked_by_the_mean_of_the_main_metric():
    table = ranking(SYSTEMS)
    assert column(table, "method") == ["instruction", "head", "tfidf"]
    assert [row.place for row in table.rows] == [1, 2, 3]


def test_what_the_cells_of_a_system_warn_of_is_noted_once():
    facts_of_one = {"warnings": ["labels are scored plainly"]}
    records = [record(cell(method="head", seed=seed), facts=facts_of_one) for seed in (0, 1)]
    notes = built(records, board(records)).notes
    assert [note for note in notes if note.startswith("Warning")] == [
        "Warning, claims, head · llama: labels are scored plainly."
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_records_does_not_matter(seed):
    shuffled = random.Random(seed).sample(SYSTEMS, len(SYSTEMS))
    ordered_board, shuffled_board = board(SYSTEMS), board(shuffled)
    expected = markdown.render(built(SYSTEMS, ordered_board))
    assert markdown.render(built(shuffled, ordered_board)) == expected
    assert markdown.render(built(shuffled, shuffled_board)) == expected


def test_equal_systems_are_ordered_by_name():
    records = [record(cell(method=name), value=0.5) for name in ("c", "a", "b")]
    assert column(ranking(records), "method") == ["a", "b", "c"]


def test_mean_and_deviation_are_over_all_seeds():
    values = [0.5, 0.6, 0.9]
    records = [record(cell(seed=seed), value=value) for seed, value in enumerate(values)]
    table = ranking(records)
    assert column(table, "macro-F1") == [f"{fmean(values):.3f}"]
    assert column(table, "SD over seeds") == [f"{stdev(values):.3f}"]
    assert column(table, "seeds") == ["3 of 3"]
    (further,) = (table for table in section(records).tables if table.key == "metrics")
    assert column(further, "micro-F1") == [f"{fmean(values):.3f} ± {stdev(values):.3f}"]


def test_one_seed_has_no_deviation():
    table = ranking([record(value=0.25)])
    assert column(table, "macro-F1") == ["0.250"]
    assert column(table, "SD over seeds") == ["–"]


def test_a_system_without_all_its_seeds_is_shown_and_not_ranked():
    partial = [record(cell(method="best", seed=0), value=0.99)]
    partial.append(record(cell(method="best", seed=1), "oom", reason="killed"))
    claims = section([*SYSTEMS, *partial])
    assert column(claims.ranking, "method") == ["instruction", "head", "tfidf", "best"]
    assert [row.place for row in claims.ranking.rows] == [1, 2, 3, None]
    assert column(claims.ranking, "seeds")[-1] == "1 of 2"
    assert claims.failures == ("best · llama · claims · seed 1: oom: killed",)


@pytest.mark.parametrize("status", ["failed", "skipped", "diverged", "oom", "timeout"])
def test_a_cell_without_a_result_is_named_with_its_reason(status):
    claims = section([record(status=status, reason="as planted")])
    assert claims.ranking.rows == ()
    assert claims.failures == (f"head · llama · claims · seed 0: {status}: as planted",)
    assert "No cell has a result yet." in markdown.render(Leaderboard("x", (claims,), ()))


def test_a_cell_that_was_not_run_is_named():
    records = [record()]
    table = built(records, board(records, missing=[cell(seed=5)]))
    assert table.sections[0].failures == ("head · llama · claims · seed 5: not run",)
    assert "1 of 2 cells have a result." in table.notes


def test_every_dataset_has_its_own_tables():
    records = [record(), record(cell(dataset="patents"))]
    names = ["claims", "patents"]
    multi = facts(kind="multi-label", main_metric="micro_f1")
    both = board(records, datasets=dict(zip(names, (facts(), multi), strict=True)))
    sections = built(records, both).sections
    assert [section.title for section in sections] == names
    tables = [table for section in sections for table in section.tables]
    assert [section.ranking.columns[2].title for section in sections] == ["macro-F1", "micro-F1"]
    assert all(len(row.entries) == len(table.columns) for table in tables for row in table.rows)
    assert all(
        len(entry.values) == len(column.keys)
        for table in tables
        for row in table.rows
        for entry, column in zip(row.entries, table.columns, strict=True)
    )


def test_the_notes_describe_the_data():
    more = facts(unseen_labels=("rare", "new"), skipped_rows=7, warnings=("duplicates",))
    records = [record()]
    table = built(records, board(records, datasets={"claims": more}), support=(0, 5, 0, 7))
    notes = " ".join(table.sections[0].notes)
    assert "800 documents for training, 100 for validation and 100 for test; 3 labels" in notes
    assert "2 of them without a test document" in notes
    assert "Labels that occur only in validation or test (2): rare, new." in notes
    assert "Rows of the source that were skipped on request: 7." in notes
    assert "Warning: duplicates." in notes


def test_a_missing_value_is_a_dash():
    bare = record(values=scores(None), cost={}, facts={}, provenance={})
    texts = [entry.text for entry in ranking([bare]).rows[0].entries]
    assert texts == ["head", "llama", *["–"] * 9, "1 of 1", *["–"] * 3]


def test_a_count_that_is_no_number_is_a_dash():
    table = ranking([record(facts={"trainable_parameters": "many"})])
    assert column(table, "trained parameters") == ["–"]


def test_with_a_price_per_hour_the_ranking_has_money():
    one = record(cost={"fit_seconds": 3600.0, "documents_per_second": 100.0})
    of = board([one])
    made = build_leaderboard(of, by_id([one]), evidence([one], of), price_per_hour=2.5)
    table = made.sections[0].ranking
    assert column(table, "price of training") == ["2.50"]
    assert column(table, "price of 1,000 documents") == ["0.0069"]
    assert not any("price" in one.title for one in ranking([one]).columns)


def test_the_energy_has_a_column_and_a_note_where_a_cell_has_one():
    cells = [cell(method=method) for method in ("head", "tfidf")]
    measured = record(
        cells[0], cost={"energy_kwh": 0.0123, "energy_estimated": 1},
        provenance={"energy": "codecarbon 3.3.2: CPU estimated from its load"},
    )  # fmt: skip
    records = [measured, record(cells[1])]
    assert column(ranking(records), "kWh") == ["0.012 est.", "–"]
    [note] = [note for note in built(records, board(records)).notes if note.startswith("kWh: ")]
    assert "(codecarbon 3.3.2: CPU estimated from its load)" in note
    without = built([records[1]], board([records[1]]))
    assert "kWh" not in markdown.render(without)


def test_costs_measured_beside_other_cells_are_marked():
    records = [record(cost={"fit_seconds": 2.0, "documents_per_second": 9.0, "cells_beside": 3})]
    table = built(records)
    assert column(table.sections[0].ranking, "training s") == ["2.0*"]
    assert any(note.startswith("* measured while other cells ran") for note in table.notes)


@pytest.mark.parametrize(("rate", "shown"), [(0.368, "0.37"), (9.0, "9"), (17.4, "17"), (0.0, "0")])
def test_a_low_rate_is_shown_with_two_digits(rate, shown):
    rows = ranking([record(cost={"documents_per_second": rate})])
    assert column(rows, "documents/s") == [shown]


def test_the_memory_of_a_gpu_is_marked():
    costs = [{"peak_ram_mib": 2000}, {"peak_ram_mib": 2000, "peak_gpu_mib": 500}]
    shown = [column(ranking([record(cost=cost)]), "peak MiB") for cost in costs]
    assert shown == [["2,000"], ["500 GPU"]]


def test_machines_that_differ_are_all_named():
    made = {"benchbench": "0.1", "device": "CPU one", "threads": 2, "packages": {"torch": "2.13"}}
    records = [
        record(cell(seed=0), provenance=made),
        record(cell(seed=1), provenance={**made, "device": "CPU two"}),
    ]
    note = next(n for n in built(records).notes if n.startswith("Made with"))
    assert "different machines" in note
    assert "CPU one, 2 threads per cell" in note
    assert "CPU two, 2 threads per cell" in note


@pytest.mark.parametrize("provenance", [{"packages": 3}, {"traceback": "x"}, {"threads": []}])
def test_a_record_with_unexpected_provenance_is_shown(provenance):
    assert ranking([record(provenance=provenance)]).rows


def test_a_board_is_read_as_it_was_written(tmp_path):
    store = open_store(tmp_path / "store")
    for run in SYSTEMS:
        publish(store, Outcome(run, tmp_path))
    written = board(SYSTEMS, dropped=("a with b: no",), command="benchbench run")
    write_board(store, written, ())
    read = read_board(store, "board")
    assert read == written
    assert records_on(store, read) == by_id(SYSTEMS)


def test_a_record_with_another_key_does_not_count_on_the_board(tmp_path):
    store = open_store(tmp_path / "store")
    publish(store, Outcome(record(), tmp_path))
    stale = board([record(identity={"weights": "second"})])
    assert records_on(store, stale) == {record().id: None}


@pytest.mark.parametrize("junk", [{}, {"cells": 3}, {"name": "x", "title": "x", "cells": [{}]}])
def test_a_board_of_another_form_is_refused_in_one_line(tmp_path, junk):
    store = open_store(tmp_path / "store")
    write_json(store, "boards", "board", junk)
    with pytest.raises(StoreError, match="Run its grid again"):
        read_board(store, "board")


READ = """
import os, sys
from pathlib import Path
import benchbench.cli, benchbench.leaderboard.build
from rich.console import Console
from benchbench.evidence import read_board, records_on
from benchbench.evidence.values import DatasetEvidence, Evidence
from benchbench.leaderboard.build import build_leaderboard
from benchbench.render.formats import markdown, terminal
from benchbench.records.store import Store, all_records, records_of
import io
from benchbench.leaderboard.build import Leaderboard
from benchbench.machine.typed_json import _reader
from benchbench.contract import Record
from benchbench.evidence.board import Board
from tests.support.building import ranked, scores

store = Store(Path(sys.argv[1]))
# first use, so that what the libraries load lazily is not counted
warm = Console(file=io.StringIO(), width=200)
plain = ranked(("method", "F1"), ("a", "–中"), failures=("failed",), notes=("note",))
terminal.show(Leaderboard("a", (plain,), ("a", "b")), warm)
for form in (Record, Board):
    _reader(form)  # compiles the annotations of our own classes
events = []
WATCHED = ("import", "exec", "compile", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
           "os.system", "subprocess.Popen", "socket.", "ctypes.", "urllib.", "pickle.find_class")


def hook(event, arguments):
    if armed and event.startswith(WATCHED):
        events.append((event, str(arguments)[:200]))


def read():
    records = all_records(store)
    assert len(records) == int(sys.argv[2]), records
    for record in records:
        assert records_of(store, record.id)
    board = read_board(store, "board")
    records = records_on(store, board)
    values = {cell: scores(0.5) for cell in records}
    datasets = {
        name: DatasetEvidence(kept.main_metric, "accuracy", 0, 0, (), (), (), ())
        for name, kept in board.datasets.items()
    }
    table = build_leaderboard(board, records, Evidence("", datasets, values))
    assert sum(len(section.ranking.rows) for section in table.sections) == len(records)
    terminal.show(table, warm)
    return markdown.render(table)


armed = False
sys.addaudithook(hook)
armed = True
if sys.argv[3] == "planted":
    __import__("marker")
text = read()
armed = False
assert "marker" in text
print(len(events), events[:5])
"""


def hostile(tmp_path, path):
    """Return records whose texts all name a module that leaves a trace when it is imported."""
    names = [path, "marker", "marker:plugin", "__import__('marker')", "{marker}", f"file://{path}"]
    for number, name in enumerate(names):
        noun = Reference(name, name, {name: name})
        yield record(
            replace(cell(seed=number), dataset=noun, method=noun, backbone=noun),
            reason=name,
            identity={name: name, "weights": name, "plugins": {name: name}},
            facts={name: name, "class": name},
            guards={name: name},
            provenance={"benchbench": name, "packages": {"torch": name}, "plugins": {name: name}},
        )


@pytest.mark.parametrize(("planted", "expected"), [("none", False), ("planted", True)])
def test_reading_runs_nothing_that_a_record_names(tmp_path, planted, expected):
    marker = tmp_path / "modules" / "marker.py"
    marker.parent.mkdir()
    marker.write_text(f"open({str(tmp_path / 'trace')!r}, 'w').close()\n")
    store = open_store(tmp_path / "store")
    records = list(hostile(tmp_path, str(marker)))
    for run in records:
        publish(store, Outcome(run, tmp_path))
    write_board(store, board(records, title=str(marker), command=str(marker)), ())
    code = f"import sys; sys.path.insert(0, {str(marker.parent)!r})\n{READ}"
    command = [sys.executable, "-c", code, str(store.root), str(len(records)), planted]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert (not answer.stdout.startswith("0 ")) == expected, answer.stdout
    assert (tmp_path / "trace").exists() == expected


def test_a_board_is_the_same_after_it_was_plain_data():
    assert read_as(Board, board(SYSTEMS).to_json()) == board(SYSTEMS)


@pytest.mark.parametrize("width", [60, 80, 120, 160, 400])
def test_a_terminal_of_any_width_shows_every_entry_in_full(width):
    import io

    from rich.console import Console

    from benchbench.render.formats import terminal

    columns = ("method", "backbone", "macro-F1", "accuracy", "seeds", "trained parameters")
    entries = ("embedding-head", "stories260K-hf", "0.234 ± 0.005", "0.255 ± 0.001", "2 of 2", "9")
    section = ranked(columns, entries, words=2)
    out = io.StringIO()
    console = Console(file=out, width=width)
    terminal.show(Leaderboard("board", (section,), ("note",)), console, whole=True)
    lines = out.getvalue().splitlines()
    assert all(any(text in line for line in lines) for text in (*columns, *entries))
    assert max(map(len, lines)) <= width


def searched(rates, pairs, **more):
    """Return a board of tries of one method with their records; `pairs` are (validation, test)."""
    records = []
    for rate, (validation, test) in zip(rates, pairs, strict=True):
        values = {"validation": scores(validation)["test"], "test": scores(test)["test"]}
        records.append(record(cell(learning_rate=rate), values=values, **more))
    made = board(records)
    tried = [
        replace(entry, tried={"learning_rate": r})
        for entry, r in zip(made.cells, rates, strict=True)
    ]
    return replace(made, cells=tuple(tried)), records


def test_the_best_try_on_validation_counts_even_if_another_is_better_on_test():
    made, records = searched((1e-4, 2e-4, 4e-4), ((0.5, 0.9), (0.7, 0.6), (0.6, 0.8)))
    claims = built(records, made).sections[0]
    assert column(claims.ranking, "macro-F1") == ["0.600"]
    (note,) = [note for note in claims.notes if "tries" in note]
    assert "the best of 3 tries on validation has learning_rate = 0.0002" in note
    assert "Training all tries took 7.5 s" in note


def test_of_equal_tries_the_first_counts_and_a_failed_try_is_named():
    made, records = searched((1e-4, 2e-4), ((0.5, 0.4), (0.5, 0.9)))
    assert column(built(records, made).sections[0].ranking, "macro-F1") == ["0.400"]
    records[0] = record(records[0].cell, status="diverged")
    claims = built(records, made).sections[0]
    assert column(claims.ranking, "macro-F1") == ["0.900"]
    assert "diverged" in claims.failures[0]
    (note,) = [note for note in claims.notes if "tries" in note]
    assert "the best of 2 tries (1 of them without a result for every seed) on" in note


def test_a_search_of_which_no_try_has_a_result_has_no_winner_and_its_tries_are_told_apart():
    made, records = searched((1e-4, 2e-4), ((0.5, 0.4), (0.5, 0.9)))
    lost = [record(one.cell, status="timeout") for one in records]
    claims = built(lost, made).sections[0]
    assert not [note for note in claims.notes if "tries" in note]
    assert [line.partition(": ")[0].rpartition(" · ")[2] for line in claims.failures] == [
        "learning_rate = 0.0001",
        "learning_rate = 0.0002",
    ]


def test_the_parameters_of_every_try_are_kept_in_the_board():
    made, _ = searched((1e-4, 2e-4), ((0.5, 0.4), (0.5, 0.9)))
    assert read_as(Board, made.to_json()) == made
