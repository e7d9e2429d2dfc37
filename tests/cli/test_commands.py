"""The command line as a user meets it: right and wrong."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from benchbench import cli
from benchbench.records.store import Store, all_records
from tests.support.commands import benchbench, environment
from tests.support.models import write_model

MESSAGES = Path(__file__).parent.parent / "data" / "messages.csv"
COLUMNS = ("--text", "text", "--label", "topic")

WRONG = {
    "nothing-asked": (["run"], "Nothing to run on: give --csv FILE"),
    "columns-without-table": (["run", "--text", "a"], "--text goes with --csv FILE."),
    "table-without-columns": (["run", "--csv", "T"], "--csv FILE needs --text COLUMN"),
    "no-such-file": (["run", "--csv", "absent.csv", *COLUMNS], "absent.csv: no such file"),
    "a-folder": (["run", "--csv", ".", *COLUMNS], "this is a folder"),
    "strange-suffix": (["run", "--csv", "T.docx", *COLUMNS], "T.docx"),
    "wrong-column": (
        ["run", "--csv", "T", "--text", "txt", "--label", "topic"],
        "unknown column 'txt'. Did you mean 'text'? Available: text, topic.",
    ),
    "limit-below-classes": (
        ["run", "--csv", "T", *COLUMNS, "--limit", "2"], "give a limit of at least 5"
    ),
    "no-such-method": (
        ["run", "--csv", "T", *COLUMNS, "--method", "embeding-head"],
        "Unknown method 'embeding-head'. Did you mean 'embedding-head'?",
    ),
    "no-such-backbone": (
        ["run", "--csv", "T", *COLUMNS, "--backbone", "lama"], "Unknown backbone 'lama'"
    ),
    "no-such-folder": (
        ["run", "--csv", "T", *COLUMNS, "--backbone", "./lama"], "'./lama': no such folder"
    ),
    "no-such-grid": (["plan", "--grid", "big"], "Unknown grid 'big'. Available: default, "),
    "no-such-parameter": (
        ["run", "--csv", "T", *COLUMNS, "--set", "tfidf-svm.rnk=1"],
        "unknown parameter 'tfidf-svm.rnk'",
    ),
    "bad-value": (
        ["run", "--csv", "T", *COLUMNS, "--set", "rank=many"], "expected a whole number"
    ),
    "bad-setting": (["run", "--csv", "T", *COLUMNS, "--set", "rank"], "--set takes"),
    "bad-seeds": (["run", "--csv", "T", *COLUMNS, "--seeds", "0,0"], "different whole numbers"),
    "bad-only": (["run", "--csv", "T", *COLUMNS, "--only", "colour=red"], "--only takes"),
    "no-store": (["leaderboard", "--store", "nowhere"], "nowhere is not a store"),
    "store-is-a-file": (["run", "--csv", "T", *COLUMNS, "--store", "T"], "cannot be created"),
    "no-gpu": (["plan", "--csv", "T", *COLUMNS, "--device", "cuda"], "no usable GPU was found"),
    "no-such-command": (["frobnicate"], "No such command 'frobnicate'"),
}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a table called T, and a cache of its own."""
    (tmp_path / "T").write_bytes(MESSAGES.read_bytes())
    (tmp_path / "T.csv").write_bytes(MESSAGES.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return tmp_path


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_without_a_traceback_and_ends_with_2(here, monkeypatch, capsys, case):
    words, message = WRONG[case]
    words = ["T.csv" if word == "T" and words[i - 1] == "--csv" else word
             for i, word in enumerate(words)]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["benchbench", *words])
    with pytest.raises(SystemExit) as exit_code:
        cli.main()
    error = capsys.readouterr().err
    assert exit_code.value.code == 2
    assert message in error
    assert "Traceback" not in error


def test_help_and_import_bring_no_heavy_module():
    program = (
        "import sys\n"
        "import benchbench\n"
        "heavy = {'torch', 'transformers', 'datasets', 'pandas', 'pyarrow', 'sklearn', 'numpy'}\n"
        "first = heavy & set(sys.modules)\n"
        "from benchbench.cli import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "sys.exit(str((first, heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_plan_spends_nothing_and_says_what_is_absent(tmp_path):
    done = benchbench(
        tmp_path, "plan", "--csv", MESSAGES, *COLUMNS, "--backbone", "llama-3.2-1b",
        "--offline", COLUMNS="250", HF_HOME=str(tmp_path / "hub"),
    )  # fmt: skip
    assert not (tmp_path / "benchbench-runs").exists()
    assert "6 of them unresolved" in done.stdout
    assert "meta-llama/Llama-3.2-1B is not in the cache" in done.stdout
    assert "8 of 8 cells to run" in done.stdout


def test_an_absent_backbone_skips_its_cells_with_a_remedy_and_costs_no_other(tmp_path):
    words = ("run", "--csv", MESSAGES, *COLUMNS, "--backbone", "llama-3.2-1b", "--offline",
             "--method", "embedding-head", "--method", "majority", "--seeds", "0")  # fmt: skip
    done = benchbench(tmp_path, *words, HF_HOME=str(tmp_path / "hub"))
    assert "| 1 | majority |" in done.stdout
    assert "skipped: meta-llama/Llama-3.2-1B is not in the cache" in done.stdout
    assert "hf download meta-llama/Llama-3.2-1B" in done.stdout
    again = benchbench(tmp_path, *words, HF_HOME=str(tmp_path / "hub"))
    assert again.stdout == done.stdout
    assert len(all_records(Store(tmp_path / "benchbench-runs"))) == 2


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A store after the main job, on a tiny model: one single-label and one multi-label table."""
    folder = tmp_path_factory.mktemp("ran")
    with MESSAGES.open(newline="") as file:
        rows = list(csv.DictReader(file))[:160]
    write_model(folder / "tiny-llama", [row["text"] for row in rows], layers=3)
    with (folder / "codes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "body", "codes"])
        for number, row in enumerate(rows):
            other = rows[number - 1]["topic"] if number % 3 == 0 else row["topic"]
            writer.writerow([row["text"][:20], row["text"], f"{row['topic']};{other}"])
    common = ("--backbone", "./tiny-llama", "--set", "epochs=1", "--set", "document_tokens=32")
    single = benchbench(
        folder,
        "run",
        "--csv",
        MESSAGES,
        *COLUMNS,
        "--limit",
        "60",
        "--seeds",
        "0,1",
        "--name",
        "messages",
        *common,
    )
    several = benchbench(
        folder, "run", "--csv", "codes.csv", "--text", "title,body", "--label", "codes",
        "--label-separator", ";", "--limit", "60", "--seeds", "0", "--name", "codes", *common,
    )  # fmt: skip
    return folder, single, several


def test_the_main_job_ends_with_a_leaderboard_of_all_four_methods(ran):
    folder, single, several = ran
    for done, name in ((single, "messages"), (several, "codes")):
        written = folder / "benchbench-runs" / "leaderboards" / f"{name}.md"
        assert written.read_text() == done.stdout
        for method in ("embedding-head", "instruction", "tfidf-svm", "majority"):
            assert f"| {method} |" in done.stdout
    assert "6 of 6 cells have a result." in single.stdout
    assert "4 of 4 cells have a result." in several.stdout


def test_both_fine_tuning_methods_ran_under_4_bit_with_equal_budgets_and_guards(ran):
    records = [
        record for record in all_records(Store(ran[0] / "benchbench-runs"))
        if record.cell.backbone is not None
    ]  # fmt: skip
    assert len(records) == 6
    shared = ("rank", "alpha", "epochs", "batch_size", "learning_rate", "document_tokens")
    for record in records:
        assert record.facts["four_bit_modules"] == 21
        assert record.facts["backbone"]["quantized_share"] == 1.0
        assert record.facts["trainable_parameters"] > 0
        assert set(record.guards.values()) <= {"passed", "not applicable"}
        assert len(record.guards) >= 5
        assert any("validation_loss" in point for point in record.curve)
    budgets = {
        tuple(record.identity["parameters"]["method"][name] for name in shared)
        for record in records
    }
    assert len(budgets) == 1


def test_reading_needs_no_plugin_and_gives_the_same_table(ran):
    folder, single, _ = ran
    program = (
        "import sys\n"
        "from benchbench.cli import main\n"
        "sys.argv = ['benchbench', 'leaderboard', 'messages', '--format', 'markdown']\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    found = [m for m in sys.modules if m.startswith('benchbench_') or m == 'torch']\n"
        "    assert not found, found\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment(folder),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == single.stdout


def test_runs_are_listed(ran):
    text = benchbench(ran[0], "ls", "runs", COLUMNS="200").stdout
    assert text.count(" ok ") == 10
    assert text.count("instruction") == 3


def test_one_byte_of_the_table_changed_makes_every_cell_of_it_stale(ran, tmp_path):
    table = tmp_path / "messages.csv"
    table.write_bytes(MESSAGES.read_bytes())
    words = ("--csv", "messages.csv", *COLUMNS, "--method", "majority")
    benchbench(tmp_path, "run", *words)
    assert "done" in benchbench(tmp_path, "plan", *words).stdout
    table.write_bytes(table.read_bytes().replace(b"kettle", b"Kettle", 1))
    assert "stale" in benchbench(tmp_path, "plan", *words).stdout


def test_texts_in_two_splits_are_told_and_strict_refuses_them(tmp_path):
    rows = MESSAGES.read_text().splitlines(keepends=True)
    (tmp_path / "train.csv").write_text("".join(rows[:300]))
    (tmp_path / "test.csv").write_text(rows[0] + "".join(rows[293:400]))
    words = ("run", "--csv", "train.csv", "--test", "test.csv", *COLUMNS, "--method", "majority")
    refused = benchbench(tmp_path, *words, "--strict", code=2)
    assert "are in two splits" in refused.stderr
    done = benchbench(tmp_path, *words)
    (warning,) = [line for line in done.stdout.splitlines() if "are in two splits" in line]
    counts = [int(word) for word in warning.replace(",", " ").split() if word.isdigit()]
    assert sum(counts) == 7


def test_every_parameter_of_every_method_is_listed_with_its_default(tmp_path):
    from benchbench.catalog.lookup import load_catalog

    text = benchbench(tmp_path, "ls", "parameters", COLUMNS="250").stdout
    rows = [[cell.strip() for cell in line.split("│")[1:]] for line in text.splitlines()]
    listed = {(row[0], row[1]) for row in rows if len(row) > 1}
    for method in load_catalog().methods.values():
        for parameter in method.parameters:
            assert (parameter.name, str(parameter.default)) in listed


@pytest.mark.parametrize("what", ["datasets", "methods", "backbones", "grids"])
def test_what_is_there_is_listed(tmp_path, what):
    expected = {"datasets": "csv", "methods": "zero-shot", "backbones": "qwen3-0.6b",
                "grids": "own-data"}  # fmt: skip
    assert expected[what] in benchbench(tmp_path, "ls", what, COLUMNS="200").stdout


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "/disk/log.txt"), "/disk/log.txt cannot be used: "),
        (PermissionError(13, "Permission denied"), "The system refused: Permission denied. "),
        (OSError("a library's own words\nin two lines"), "a library's own words in two lines. "),
    ],
    ids=["full", "permission", "without-a-number"],
)
def test_what_the_system_refuses_anywhere_is_one_line(monkeypatch, capsys, error, line):
    import benchbench.cli as commands

    def refuse(**options):
        raise error

    monkeypatch.setattr(commands.cli, "main", refuse)
    monkeypatch.setattr(commands.signal, "signal", lambda *arguments: None)
    with pytest.raises(SystemExit) as end:
        commands.main()
    told = capsys.readouterr().err
    assert (end.value.code, told.count("\n"), line in told) == (2, 1, True), told
