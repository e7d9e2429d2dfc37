"""Wrong values for every field of every document of a store, and the commands that read it.

A changed document is signed again, and so is what names it: only its content is wrong.
"""

from __future__ import annotations

import copy
import io
import json
import shutil
import signal
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace

from benchbench import evaluation
from benchbench.cli import main
from benchbench.contract import AdditiveMetric, LoadReport, Metric, StoreError
from benchbench.evidence import read_board, read_description, read_evidence
from benchbench.evidence.board import PublishedScore, write_board
from benchbench.evidence.freeze import with_plugin_metrics
from benchbench.machine import canonical, digest
from benchbench.publishing.archive import archive_bytes
from benchbench.publishing.publication import publish_board
from benchbench.records.store import Store, read_record
from tests.support.predicted import described, store_of

SYSTEMS = (("head", "llama", 2.0, 2), ("tfidf", "", 1.0, 1))
NASTY = "\x1b[31mred\u202e\x00\x9b\ud800"
LONG = "long " * 100_000


def nested(depth=200):
    value = []
    for _ in range(depth):
        value = [value]
    return value


WRONG = {
    "null": None, "true": True, "one": 1, "negative": -1, "fraction": 1.5, "huge": 10**400,
    "large": 1e300, "empty": "", "word": "x", "long": LONG, "nasty": NASTY, "list": [],
    "table": {}, "deep": nested(), "in-a-list": lambda value: [value],
    "in-a-table": lambda value: {"x": value},
}  # fmt: skip
"""What stands in the place of a value, by name; a function is called with the value."""
WITHOUT, RENAMED, TWICE, SWAPPED = "removed", "renamed", "twice", "swapped"
CHANGES = (*WRONG, WITHOUT, RENAMED, TWICE, SWAPPED)


def planted(folder):
    """Return a store's folder with a value in every field of every document."""
    folder.mkdir(parents=True, exist_ok=True)
    store, board = store_of(folder, SYSTEMS, labels=3, unseen=1)
    score = PublishedScore("Oracle", "macro_f1", 0.9, "Somebody, 2020", "a note")
    datasets = {
        name: replace(dataset, baselines=(score,), warnings=("few documents",))
        for name, dataset in board.datasets.items()
    }
    board = replace(board, datasets=datasets, note="a note", dropped=("x: none",), command="run")
    metric = Metric("theirs", "Theirs", "Of others", ("single-label", "multi-label"), share_right)
    report = LoadReport(360, 360, warnings=("few documents",), facts={"files": 1})
    corpus = replace(described("single-label", 3, 1, "claims"), report=report)
    write_board(store, board, [corpus])
    board = with_plugin_metrics(board, [metric], store, print)
    write_board(store, board, ())
    publish_board(store, "board", store.root / "leaderboards")
    (store.root / "leaderboards" / "board.zip").unlink()
    return store.root


def share_right(scored):
    """Return a plugin's metric: the share of documents with a right label."""
    return AdditiveMetric.mean((scored.decided() & scored.predictions.gold).any(axis=1))


@dataclass(frozen=True)
class Place:
    """A field of a document: the file, and the names and numbers that lead to the field."""

    kind: str
    file: str
    steps: tuple

    @property
    def name(self):
        return f"{self.kind}: {'.'.join(map(str, self.steps))}"


def places(root):
    """Yield every field of one document of every kind."""
    for kind in ("boards", "evidence", "datasets", "runs"):
        path = min(path for path in (root / kind).rglob("*.json"))
        content = json.loads(path.read_bytes())
        content.pop("sha256")
        for steps in fields(content):
            yield Place(kind, path.relative_to(root).as_posix(), steps)


def fields(content, steps=()):
    """Yield the steps to every field; of a list or a table of many alike, to the first ones."""
    if isinstance(content, dict):
        names = sorted(content)
        alike = len(names) > 3 and all(isinstance(value, float) for value in content.values())
        entries = [(name, content[name]) for name in (names[:1] if alike else names)]
    else:
        entries = list(enumerate(content))[:1]
    for name, value in entries:
        yield (*steps, name)
        if isinstance(value, dict | list):
            yield from fields(value, (*steps, name))


def changed(content, steps, change):
    """Return the content with a change at a place; None where the change does not apply."""
    content = copy.deepcopy(content)
    holder = content
    for step in steps[:-1]:
        holder = holder[step]
    last = steps[-1]
    if change in WRONG:
        wrong = WRONG[change]
        holder[last] = wrong(holder[last]) if callable(wrong) else wrong
    elif change == WITHOUT:
        del holder[last]
    elif change == TWICE and isinstance(holder, list):
        holder.append(holder[last])
    elif change == RENAMED and isinstance(holder, dict):
        holder[f"{last}{NASTY}"] = holder.pop(last)
    elif change == SWAPPED and isinstance(holder, dict) and len(holder) > 1:
        other = next(name for name in sorted(holder) if name != last)
        holder[last], holder[other] = holder[other], holder[last]
    else:
        return None
    return content


def signed(content):
    return canonical({**content, "sha256": digest(content)})


def plant(root, place, change):
    """Change a document of the store, and all that names it; return its path, None if unchanged."""
    path = root / place.file
    old = json.loads(path.read_bytes())
    old.pop("sha256")
    new = changed(old, place.steps, change)
    if new is None or new == old:
        return None
    if place.kind != "runs" or place.steps[0] not in ("cell", "identity"):
        path.write_bytes(signed(new))
        return path
    names = {old["id"]: digest(new.get("cell")), old["key"]: digest(new.get("identity"))}
    new["id"], new["key"] = names.values()
    path.unlink()
    path = root / "runs" / new["id"] / f"{new['key']}-{new['attempt']}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(signed(new))
    for other in (root / "boards" / "board.json", root / "evidence" / "board.json"):
        text = other.read_text("utf-8")
        for before, after in names.items():
            text = text.replace(before, after)
        content = json.loads(text)
        content.pop("sha256")
        other.write_bytes(signed(content))
    return path


def again(whole, root):
    """Make the store as it was before any change."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(whole, root)


def quicken(put=setattr):
    """Draw few exchanges: the numbers do not matter to a fuzz."""
    put(evaluation, "draws_for", lambda family: 19)


def is_refused(root, path):
    """Say whether the reader of a document refuses it."""
    store, name = Store(root), path.stem
    readers = {
        "boards": lambda: read_board(store, name),
        "evidence": lambda: read_evidence(store, read_board(store, name)),
        "datasets": lambda: read_description(store, name),
        "runs": lambda: read_record(path),
    }
    try:
        readers[path.relative_to(root).parts[0]]()
    except StoreError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1000
        return True
    return False


def packed(root):
    """Publish the store's files as they are, in a folder of their own; return that folder."""
    folder = root.parent / "published"
    folder.mkdir(exist_ok=True)
    shutil.copy(root / "leaderboards" / "board.md", folder / "board.md")
    files = [path for path in root.rglob("*.*") if path.suffix in (".json", ".parquet")]
    content = archive_bytes(
        (path.relative_to(root).as_posix(), path.read_bytes()) for path in files if path.is_file()
    )
    (folder / "board.zip").write_bytes(content)
    return folder


def commands(root, other):
    """Return every command that reads a store; `other` is a store without faults."""
    store = ("--store", root)
    runs = sorted(path.name for path in (root / "runs").iterdir())
    forms = ("markdown", "csv", "json", "html", "latex", "terminal")
    return (
        *(("leaderboard", *store, "--format", form) for form in forms),
        ("leaderboard", *store, "--metric", "accuracy"),
        ("leaderboard", *store, "--metric", "theirs", "--format", "html"),
        ("leaderboard", "--check", root.parent / "published"),
        ("verify", root.parent / "published"),
        ("verify", root),
        ("ls", "runs", *store),
        ("compare", "head", "tfidf", *store),
        ("compare", root, other),
        ("compare", runs[0], runs[-1], *store),
    )


def outcome(words):
    """Run a command in this process, as its script would; return (exit code, stdout, stderr)."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    handler = signal.getsignal(signal.SIGTERM)
    before, sys.argv = sys.argv, ["benchbench", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before
        signal.signal(signal.SIGTERM, handler)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    return (code, *texts)


def fault(words):
    """Return what is wrong with how a command ended, or an empty text."""
    try:
        code, out, err = outcome(words)
    except Exception as error:
        import traceback

        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:200]} ({where.filename}:{where.lineno})"
    lines = [line for line in err.splitlines() if not line.startswith("Computing intervals")]
    if code not in (0, 1, 2) or len(lines) > 1:
        return f"code {code}, {len(lines)} lines of errors: {lines[:2]}"
    if code == 2 and not (len(lines) == 1 and lines[0].startswith("benchbench: ")):
        return f"code 2 with {lines}"
    if len(err) > 2000:
        return f"an error of {len(err)} characters"
    shown = err if "csv" in words else out + err  # a CSV is data, which reads back as it was
    if raw := {character for character in shown if drives(character)}:
        return f"raw characters {raw}"
    return ""


def drives(character):
    """Say whether a character would drive a terminal or turn a line round."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in "\n\r\t"
