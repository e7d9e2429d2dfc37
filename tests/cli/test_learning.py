"""`--learning` from a small table to a published board: what a user sees, and a planted fault."""

from __future__ import annotations

import json

import pytest

from benchbench.evidence import read_board, records_on
from benchbench.publishing.verification import verify
from benchbench.records.store import Store
from tests.support.commands import benchbench
from tests.support.forging import repack, resealed

WORDS = {"bird": "wing feather beak nest egg", "fish": "fin scale gill river sea"}
COMMAND = (
    "run", "--csv", "animals.csv", "--text", "text", "--label", "label",
    "--method", "tfidf-svm", "--method", "majority", "--offline",
)  # fmt: skip


def animals(rows=240):
    """Return a table of two classes, whose words are often those of the other."""
    lines = ["text,label"]
    for row in range(rows):
        label, other = ("bird", "fish") if row % 3 else ("fish", "bird")
        own, theirs = WORDS[label].split(), WORDS[other].split()
        words = [own[row % 5], theirs[row // 5 % 5], own[row // 7 % 5], f"w{row % 31}", f"{row}"]
        lines.append(f"{' '.join(words)},{label}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder in which the table was run, without shares and then with them."""
    home = tmp_path_factory.mktemp("home")
    (home / "animals.csv").write_text(animals(), encoding="utf-8")
    benchbench(home, *COMMAND)
    done = benchbench(home, *COMMAND, "--learning", "0.25,0.5")
    (home / "said.txt").write_text(done.stderr, encoding="utf-8")
    (home / "table.md").write_text(done.stdout, encoding="utf-8")
    return home


def on_board(home, name):
    store = Store(home / "benchbench-runs")
    board = read_board(store, name)
    return board, records_on(store, board)


def test_the_full_training_is_reused_and_nothing_is_trained_twice(home):
    board, records = on_board(home, "animals")
    wider, more = on_board(home, "animals-learning-0.25-0.5-1")
    assert set(records) < set(more)
    assert {cell: record.key for cell, record in records.items()} == {
        cell: more[cell].key for cell in records
    }
    said = (home / "said.txt").read_text(encoding="utf-8")
    assert "6 cells (2 done, 4 missing)" in said
    for record in records.values():
        assert "training_share" not in record.identity["parameters"]["dataset"]
    assert {entry.cell.seed for entry in wider.cells} == {entry.cell.seed for entry in board.cells}


def test_a_running_cell_names_its_share(home):
    said = (home / "said.txt").read_text(encoding="utf-8")
    assert "tfidf-svm · animals · 25 % of training · seed 0: ok" in said
    assert "Reading dataset animals · 25 % of training" in said


def test_the_board_says_what_more_labels_would_give(home):
    table = (home / "table.md").read_text(encoding="utf-8")
    assert "### animals: Score by number of training documents" in table
    assert "labels" in table.split("\n\n")[2], "the verdict ends with it"
    done = benchbench(home, "leaderboard", "animals-learning-0.25-0.5-1", "--format", "csv",
                      "--table", "learning")  # fmt: skip
    assert done.stdout.startswith("dataset,place,method,backbone,share,documents,macro_f1,")
    assert len(done.stdout.splitlines()) == 7


def test_the_ranking_is_that_of_the_board_without_shares(home):
    name = "animals-learning-0.25-0.5-1"
    with_shares, without = (
        benchbench(home, "leaderboard", board, "--format", "csv").stdout
        for board in (name, "animals")
    )
    assert with_shares == without


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "tfidf-svm", "majority"),
        ("errors", "tfidf-svm"),
        ("predict", "--input", "animals.csv", "--offline"),
        ("predict", "tfidf-svm", "--input", "animals.csv", "--offline"),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_other_commands_take_the_system_with_the_full_training(home, words):
    done = benchbench(home, *words, "--board", "animals-learning-0.25-0.5-1")
    assert done.stdout
    assert "of training" not in done.stdout + done.stderr


def test_a_plan_counts_the_cells_of_every_share(home):
    done = benchbench(home, "plan", *COMMAND[1:], "--learning", "0.125", COLUMNS="80")
    assert "animals · 12.5 % of training" in done.stdout
    assert "2 of 4 cells to run" in done.stdout


def test_wrong_shares_end_in_one_line(home):
    done = benchbench(home, *COMMAND, "--learning", "0.25,half", code=2)
    assert "--learning takes different numbers above 0" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def published(home, tmp_path):
    name = "animals-learning-0.25-0.5-1"
    benchbench(home, "leaderboard", name, "--publish", tmp_path)
    return tmp_path, name


def wrong(folder):
    return [finding.line for finding in verify(folder) if finding.faults]


def test_a_published_board_with_shares_agrees(published):
    assert wrong(published[0]) == []


def better_gain(data):
    for it in data["datasets"]["animals"]["learning"]:
        it["law"] = {"asymptote": 1.0, "scale": 1.0, "exponent": 0.5, "gain": 0.2,
                     "interval": {"low": 0.1, "high": 0.2}}  # fmt: skip
        it["reason"] = ""


def better_score(data):
    data["datasets"]["animals"]["learning"][0]["scores"][0]["value"] += 0.01


def other_documents(data):
    data["datasets"]["animals"]["learning"][0]["scores"][0]["documents"] += 1


@pytest.mark.parametrize("lie", [better_gain, better_score, other_documents])
def test_a_changed_number_of_the_learning_tables_is_noticed(published, lie):
    folder, name = published
    repack(
        folder,
        lambda file, content: resealed(content, lie) if file.startswith("evidence/") else content,
        name,
    )
    lines = wrong(folder)
    assert any(f"evidence/{name}.json: datasets.animals.learning[" in line for line in lines)
    assert any(line.startswith(f"{name}.md: line ") for line in lines)


def test_a_share_that_the_board_does_not_have_is_noticed_without_reading_predictions(published):
    folder, name = published
    repack(
        folder,
        lambda file, content: (
            resealed(content, other_documents) if file.startswith("evidence/") else content
        ),
        name,
    )
    done = benchbench(folder, "leaderboard", "--check", ".", code=1)
    assert "animals: the evidence has a share that the board lacks: 0.25" in " ".join(
        done.stdout.split()
    )


def test_json_has_the_evidence_behind_the_tables(home):
    done = benchbench(home, "leaderboard", "animals-learning-0.25-0.5-1", "--format", "json")
    (dataset,) = json.loads(done.stdout)["datasets"]
    shares = [score["share"] for score in dataset["evidence"]["learning"][0]["scores"]]
    assert shares == [0.25, 0.5, 1.0]
