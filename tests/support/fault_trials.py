"""A small grid that is run with one fault, looked at, run again and compared.

The promise: after any fault and one more run the store equals that of a run without a fault, in
every field that a deterministic cell decides. Until then nothing half written can be seen, and the
run says in one line what went wrong: by its exit code, or as a cell that failed with a reason.

Every trial is a fork of one process in which everything is imported. Three processes take part in
a run, as in a real one: the suite, the reader of the dataset, and one per cell. A fault happens in
one of them.
"""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

from benchbench.contract import Outcome
from benchbench.running import run_job
from tests.support.planted import KILL, SHORT, Planted, planting

SUITE, READER, CELL = "suite", "reader", "cell"
PROCESSES = (SUITE, READER, CELL)
SECONDS = 60
ROWS = [("pump", "water runs through"), ("valve", "it opens and shuts"), ("seal", "nothing leaks")]
ARGUMENTS = [
    "run", "--csv", "t.csv", "--text", "text", "--label", "label", "--seeds", "0",
    "--threads", "1", "--jobs", "1", "--method", "majority",
]  # fmt: skip
MORE_ARGUMENTS = ["--method", "tfidf-svm"]


@dataclass(frozen=True)
class Fault:
    """A fault at operation `at` of one of the processes."""

    process: str
    kind: str
    at: int


@dataclass
class Armed:
    """The fault of this trial, the folder that it concerns, and where operations are counted."""

    fault: Fault | None = None
    folder: Path = Path()
    counts: Path | None = None


ARMED = Armed()
_PLANTED: list = []


@contextmanager
def acting_as(process: str):
    """Count the operations of a process, with the fault if it is that of this process."""
    if ARMED.fault is None and ARMED.counts is None:
        yield
        return
    while _PLANTED:  # a fork inherits what its parent has patched
        _PLANTED.pop().__exit__(None, None, None)
    fault = ARMED.fault if ARMED.fault and ARMED.fault.process == process else Fault(process, "", 0)
    planted = Planted(str(ARMED.folder), fault.kind, fault.at)
    patches = planting(planted)
    patches.__enter__()
    _PLANTED.append(patches)
    try:
        yield
    finally:
        if patches in _PLANTED:
            _PLANTED.remove(patches)
            patches.__exit__(None, None, None)
        if ARMED.counts is not None:
            path = ARMED.counts / f"{process}.json"
            earlier = json.loads(path.read_text()) if path.exists() else []
            if len(planted.seen) > len(earlier):
                path.write_text(json.dumps(planted.seen))


def reading(use, params, folder):
    """Read the dataset as the reader does."""
    with acting_as(READER):
        REAL["build"](use, params, folder)


def running(job, pipe, visible):
    """Run a cell as its process does."""
    with acting_as(CELL):
        REAL["run_child"](job, pipe, visible)


REAL: dict = {}


class InThisProcess:
    """An executor that imports, while it runs cells, all that a cell needs."""

    name = "local"

    def run(self, jobs, progress):
        for job in jobs:
            yield Outcome(run_job(job, lambda event: None), job.scratch)


def warm_up(root: Path, quick: bool) -> None:
    """Run once in this process, so that forks find everything imported; then let it be forked.

    Plugins are loaded once, since they are the same in every trial. `quick` leaves out the second
    method, the intervals and the tests.
    """
    import benchbench.catalog
    from benchbench.cli import run_tables, selection
    from benchbench.planning import preparation, reader_process
    from benchbench.running import cell_process, suite
    from benchbench.running.executors import local

    if not quick:
        ARGUMENTS.extend(MORE_ARGUMENTS)
    else:
        run_tables.load_or_compute = lambda store, board, records, say: run_tables.compute_values(
            store, board, records)  # fmt: skip
    REAL.update(build=preparation.build, run_child=local.run_child)
    executor, in_own_process = suite._executor, preparation._in_own_process
    suite._executor = lambda *arguments: InThisProcess()
    preparation._in_own_process = preparation.build
    write_table(root / "warm")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as printed:
        code = _main(root / "warm")
    assert code == 0, printed.getvalue()
    suite._executor, preparation._in_own_process = executor, in_own_process
    catalog = benchbench.catalog.load_catalog()
    for place in (benchbench.catalog, selection, preparation):
        place.load_catalog = lambda: catalog
    forking = multiprocessing.get_context("fork")
    reader_process.get_context = local.get_context = lambda name: forking
    suite.start_server = lambda *arguments: None
    cell_process._limit_threads = lambda threads: None  # there is one, and to look takes a while
    gc.collect()
    gc.freeze()  # else every collection in a fork copies all that was imported
    preparation.build, local.run_child = reading, running


def _main(folder: Path, more=()) -> int:
    """Run the grid in a folder and return the exit code."""
    from benchbench.cli import main

    os.chdir(folder)
    os.environ["BENCHBENCH_CACHE"] = str(folder / "cache")
    sys.argv = ["benchbench", *ARGUMENTS, *more]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def write_table(folder: Path) -> None:
    """Write a table of three classes."""
    lines = ["text,label"]
    lines += [f"{text} {number} times,{label}" for number in range(10) for label, text in ROWS]
    folder.mkdir(parents=True)
    (folder / "t.csv").write_text("\n".join(lines) + "\n")


def run_grid(folder: Path, fault: Fault | None = None, counts: Path | None = None, more=()):
    """Run the grid in a fork; return its exit code (negative: the signal) and what it printed."""
    child = os.fork()
    if child == 0:
        _child(folder, fault, counts, more)
    code = _wait(child)
    return code, (folder / "printed.txt").read_text(errors="replace")


def _child(folder, fault, counts, more):
    os.setsid()
    printed = os.open(folder / "printed.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    code = 70
    try:
        ARMED.fault, ARMED.folder, ARMED.counts = fault, folder, counts
        with acting_as(SUITE):
            code = _main(folder, more)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int) -> int:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -99


def state(folder: Path) -> dict[str, object]:
    """Return what a deterministic run decides: the records that count, and the other files."""
    from benchbench.records import Store, all_records

    store = Store(folder / "benchbench-runs")
    found: dict[str, object] = {}
    for record in all_records(store):
        if record.status == "ok":
            found[record.id] = replace(record, attempt=1, cost={}, provenance={})
    for name in ("predictions", "artifacts", "datasets", "boards"):
        for path in sorted(store.folder(name).rglob("*")):
            if path.is_file() and ".benchbench-tmp-" not in str(path):
                found[str(path.relative_to(folder))] = _decided(path.read_bytes(), name)
    return found


def _decided(data: bytes, folder: str) -> object:
    """Return what a file says but for the command that made a board."""
    if folder != "boards":
        return data
    return {name: value for name, value in json.loads(data).items()
            if name not in ("command", "sha256")}  # fmt: skip


def half_visible(folder: Path, expected: dict[str, object]) -> list[str]:
    """Return what can be seen after a fault though it is not whole."""
    from benchbench.contract import StoreError
    from benchbench.kit.data import corpus_fault
    from benchbench.records import Store, records_in

    faults = []
    store = Store(folder / "benchbench-runs")
    for path, record in records_in(store):
        if isinstance(record, StoreError):
            faults.append(f"torn record: {record}")
        elif record.status == "ok" and not (
            store.folder("predictions") / f"{record.predictions}.parquet").exists():  # fmt: skip
            faults.append(f"{path.name}: its predictions are missing")
        elif record.status != "ok" and (not record.reason or "\n" in record.reason):
            faults.append(f"a record with the reason {record.reason!r}")
    for path in store.root.rglob("*"):
        name = str(path.relative_to(folder))
        if name.startswith("benchbench-runs/boards") or name not in expected:
            continue
        if path.read_bytes() != expected[name]:
            faults.append(f"{name} is not whole")
    for path in (folder / "cache" / "corpora").glob("[0-9a-f]*"):
        if fault := corpus_fault(path):
            faults.append(f"a cached corpus is not whole: {fault}")
    return faults


def trial(root: Path, fault: Fault, expected: dict[str, object]) -> list[str]:
    """Run with a fault, look, run again, compare; return every broken promise."""
    folder = root / f"{fault.process}-{fault.kind.replace(' ', '-')}-{fault.at}"
    write_table(folder)
    if fault.process != READER:
        shutil.copytree(root / "whole" / "cache", folder / "cache")
    code, printed = run_grid(folder, fault)
    broken = []
    if "Traceback" in printed:
        broken.append(f"a traceback: {printed[-1500:]}")
    if code == 70 or code == -99:
        broken.append(f"it ended with {code}: {printed[-500:]}")
    if fault.kind == SHORT and code:
        broken.append(f"a short write was not followed by the rest: {printed[-500:]}")
    if code == 0 and state(folder) != expected:
        broken.append("exit code 0, and the store is not whole")
    if code > 0 and fault.kind not in (KILL, SHORT) and "benchbench: " not in printed and (
        "failed: " not in printed):  # fmt: skip
        broken.append(f"no line says why: {printed[-500:]}")
    broken += half_visible(folder, expected)
    again = ["--force"] if fault.process == CELL and fault.kind == KILL else []
    code, printed = run_grid(folder, more=again)  # a killed cell counts as out of memory
    if code:
        broken.append(f"the next run ended with {code}: {printed[-1500:]}")
    after = state(folder)
    if not broken and after != expected:
        differing = [name for name in {*after, *expected} if after.get(name) != expected.get(name)]
        broken.append(f"after the next run these differ: {differing}")
    shutil.rmtree(folder)
    return broken


@contextmanager
def workplace():
    """Give a folder in main memory where there is one: trials make many small files."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=parent) as name:
        yield Path(name)


def count_operations(root: Path):
    """Run twice without a fault; return (process -> its operations, the state of the store).

    The second run finds the dataset in the cache, as the trials of the suite and of cells do.
    """
    for name in ("whole", "cached"):
        write_table(root / name)
        (root / f"{name}-counts").mkdir()
        if name == "cached":
            shutil.copytree(root / "whole" / "cache", root / name / "cache")
        code, printed = run_grid(root / name, counts=root / f"{name}-counts")
        assert code == 0, printed
    assert state(root / "whole") == state(root / "cached")
    operations = {
        process: json.loads((root / f"{name}-counts" / f"{process}.json").read_text())
        for name, process in (("whole", READER), ("cached", SUITE), ("cached", CELL))
    }
    return operations, state(root / "whole")
