"""Cells on a Ray cluster of two machines, which here are two nodes of one CPU each."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from benchbench_ray import cluster as ray_cluster
from benchbench_ray.archive_pieces import pack, unpack
from benchbench_ray.cluster import Need

from benchbench import BenchbenchError, Job
from benchbench.records.store import Store, all_records
from tests.running.test_suite import FAULTS, by_method, comparable, write_grid
from tests.support.building import an_identity, cell
from tests.support.commands import HERE, benchbench, environment
from tests.support.models import WORDS, write_model

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray>=2.50'")

PATIENCE = 60.0


class TwoNodes:
    """A cluster whose head computes nothing, and two nodes of one CPU, each like a machine."""

    def __init__(self, cache: Path) -> None:
        from ray.cluster_utils import Cluster

        os.environ.update(ray_cluster.QUIET)
        self.cache = cache
        self.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.nodes = [self.another(), self.another()]
        self.words = ("--executor", "ray", "--ray-address", self.cluster.address)

    def another(self):
        """Add a node that has the plugins of the tests, and a cache of its own."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment(self.cache.parent).items():
                patch.setenv(name, value)
            patch.setenv("BENCHBENCH_CACHE", str(self.cache))
            return self.cluster.add_node(num_cpus=1)


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory):
    nodes = TwoNodes(tmp_path_factory.mktemp("nodes") / "cache")
    try:
        yield nodes
    finally:
        nodes.cluster.shutdown()


def marked_grid(folder: Path, names: tuple[str, ...], seconds: float) -> dict[str, Path]:
    """Write a grid of cells, each of which notes in its own file when it begins."""
    markers = {name: folder / f"began-{name}" for name in names}
    methods = ",\n".join(
        f'{{use = "faulty", as = "{name}", marker = "{marker}", seconds = {seconds}}}'
        for name, marker in markers.items()
    )
    (folder / "g.toml").write_text(
        f'[[block]]\ndatasets = [{{use = "weather", documents = 10}}]\nmethods = [{methods}]\n'
    )
    return markers


def began(marker: Path) -> list[int]:
    """The processes that a cell has run in, in order."""
    return [int(line) for line in marker.read_text().split()] if marker.exists() else []


def start(tmp_path: Path, *words: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchbench", "run", "--grid", "g.toml", *map(str, words)]
    return subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(true, what: str) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def ray_process(pid: int) -> int:
    """The Ray process above a cell, its guardian and their fork server."""
    return parent(parent(parent(pid)))


def test_every_failure_is_reported_as_on_this_machine_and_none_is_tried_again(two_nodes, tmp_path):
    ways = ("none", "ValueError", "exit", "killed", "skip", "diverged")
    marker = tmp_path / "began"
    write_grid(tmp_path / "g.toml", {way: way for way in ways}, marker=str(marker))
    done = benchbench(tmp_path, "run", "--grid", "g.toml", *two_nodes.words, code=1)
    records = by_method(tmp_path / "benchbench-runs")
    for way in ways:
        status, reason = FAULTS[way]
        assert records[way].status == status, records[way].reason
        assert reason in records[way].reason
        assert records[way].attempt == 1
    assert len(began(marker)) == len(ways)
    assert records["none"].provenance["threads"] == 1
    assert records["none"].cost["cells_beside"] == 0
    assert "Traceback" not in done.stderr + done.stdout
    assert "raylet" not in done.stderr + done.stdout
    assert "--ray-address auto" in done.stdout, "a board may be published, an address not"
    assert two_nodes.cluster.address not in done.stdout


def test_results_are_the_same_as_here_with_everything_sent_to_machines_that_share_no_disk(
    two_nodes, tmp_path
):
    write_model(tmp_path / "small", [WORDS], hidden=32, layers=1)
    table = HERE / "data" / "messages.csv"
    (tmp_path / "g.toml").write_text(
        f'[[block]]\ndatasets = [{{use = "csv", path = "{table}", text = "text", '
        'label = "topic", limit = 60}]\nmethods = ["tfidf-svm", "student"]\n'
        f'[[block]]\ndatasets = [{{use = "csv", path = "{table}", text = "text", '
        'label = "topic", limit = 60}]\nmethods = ["embedding-head"]\nbackbones = ["./small"]\n'
        "params = { epochs = 1, document_tokens = 16 }\n"
    )
    benchbench(tmp_path, "run", "--grid", "g.toml", "--threads", 1, "--store", "here")
    benchbench(tmp_path, "run", "--grid", "g.toml", "--store", "there", "--set",
               "ray.files=sent", *two_nodes.words)  # fmt: skip
    here, there = comparable(tmp_path / "here"), comparable(tmp_path / "there")
    assert {record.status for record in here.values()} == {"ok"}
    assert len(here) == 4
    assert losses(here) == losses(there)
    assert without_curves(here) == without_curves(there), "the same bytes"
    sent = {path.name: len(list(path.iterdir())) for path in (two_nodes.cache / "sent").iterdir()}
    assert sent == {"corpora": 1, "artifacts": 1, "backbones": 1}
    assert not list((tmp_path / "there").glob(".benchbench-tmp-*"))


def losses(records):
    """A learning curve holds speeds as well, which no two runs share."""
    return {name: [point.get("loss") for point in record.curve] for name, record in records.items()}


def without_curves(records):
    return {name: replace(record, curve=()) for name, record in records.items()}


def test_a_node_that_dies_costs_only_its_running_cell_which_runs_again_elsewhere(
    two_nodes, tmp_path
):
    markers = marked_grid(tmp_path, ("a", "b", "c", "d"), 3.0)
    run = start(tmp_path, *two_nodes.words)
    try:
        until(lambda: sum(bool(began(marker)) for marker in markers.values()) >= 2, "two at once")
        before = {name: began(marker) for name, marker in markers.items()}
        lost = two_nodes.nodes.pop()
        two_nodes.cluster.remove_node(lost, allow_graceful=False)
        out, err = run.communicate(timeout=PATIENCE)
    finally:
        run.kill()
        if len(two_nodes.nodes) < 2:
            two_nodes.nodes.append(two_nodes.another())
    assert run.returncode == 0, err
    after = {name: began(marker) for name, marker in markers.items()}
    again = [name for name in markers if len(after[name]) == 2]
    assert len(again) == 1 and before[again[0]], "one of the cells that ran runs again"
    assert all(len(after[name]) == 1 for name in markers if name not in again)
    records = all_records(Store(tmp_path / "benchbench-runs"))
    assert sorted(record.cell.method.name for record in records) == sorted(markers)
    assert {(record.status, record.attempt) for record in records} == {("ok", 1)}
    assert not alive(after[again[0]][0]), "the lost node's child process ended with it"
    assert "raylet" not in out + err, "Ray's messages are not in a leaderboard"


def test_a_cell_whose_ray_process_is_killed_again_and_again_is_given_up(two_nodes, tmp_path):
    marker = marked_grid(tmp_path, ("a",), 30.0)["a"]
    run = start(tmp_path, *two_nodes.words, "--set", "ray.retries=1")
    try:
        for number in (1, 2):
            until(lambda number=number: len(began(marker)) == number, f"start {number}")
            os.kill(ray_process(began(marker)[-1]), signal.SIGKILL)
        _, err = run.communicate(timeout=PATIENCE)
    finally:
        run.kill()
    assert run.returncode == 1, err
    (record,) = all_records(Store(tmp_path / "benchbench-runs"))
    assert record.status == "failed"
    assert record.reason == "the machine or the Ray process that ran it died, 2 times"
    until(lambda: not any(map(alive, began(marker))), "a child outlived its Ray process")


def test_a_cell_over_its_time_is_stopped_there(two_nodes, tmp_path):
    marker = marked_grid(tmp_path, ("a",), 60.0)["a"]
    benchbench(tmp_path, "run", "--grid", "g.toml", "--timeout", 3, *two_nodes.words, code=1)
    (record,) = all_records(Store(tmp_path / "benchbench-runs"))
    assert (record.status, record.reason) == ("timeout", "stopped after its limit of 3 s")
    assert not any(map(alive, began(marker)))


def test_ctrl_c_stops_the_cells_on_their_nodes(two_nodes, tmp_path):
    markers = marked_grid(tmp_path, ("a", "b", "c"), 60.0)
    run = start(tmp_path, *two_nodes.words)
    try:
        until(lambda: sum(bool(began(marker)) for marker in markers.values()) >= 2, "two at once")
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=PATIENCE)
    finally:
        run.kill()
    assert run.returncode == 130, err
    records = all_records(Store(tmp_path / "benchbench-runs"))
    assert [(record.status, record.reason) for record in records] == [
        ("interrupted", "stopped by the user")
    ] * 2
    pids = [pid for marker in markers.values() for pid in began(marker)]
    assert len(pids) == 2
    until(lambda: not any(map(alive, pids)), "a child outlived the run")


def test_a_cell_that_no_machine_is_large_enough_for_is_reported_and_does_not_hang(
    two_nodes, tmp_path
):
    marked_grid(tmp_path, ("a",), 0.0)
    words = ("run", "--grid", "g.toml", "--threads", 64)
    benchbench(tmp_path, *words, *two_nodes.words, code=1)
    (record,) = all_records(Store(tmp_path / "benchbench-runs"))
    assert record.status == "failed"
    assert re.fullmatch(
        r"no machine of the cluster has 64 CPUs; the largest has 1 CPU, 0 GPU, [\d.]+ GiB of "
        "memory",
        record.reason,
    )


def test_a_node_with_other_code_fails_its_cell(two_nodes, tmp_path):
    """The plugin here is not the one of the nodes: it has one constant more."""
    changed = tmp_path / "changed"
    shutil.copytree(HERE / "support" / "faulty", changed)
    with (changed / "benchbench_faulty.py").open("a") as file:
        file.write('RELEASE = "another"\n')
    marked_grid(tmp_path, ("a",), 0.0)
    path = os.pathsep.join([str(HERE / "thirdparty"), str(changed)])
    benchbench(tmp_path, "run", "--grid", "g.toml", *two_nodes.words, code=1, PYTHONPATH=path)
    (record,) = all_records(Store(tmp_path / "benchbench-runs"))
    assert record.status == "failed"
    digest = r"1\.0 \([0-9a-f]{8}\)"
    assert re.match(
        rf"the machine of this cell has benchbench-faulty:faulty {digest} instead of {digest}; "
        "install the versions",
        record.reason,
    ), record.reason


def test_without_ray_the_plugin_is_there_and_says_what_to_install(tmp_path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    path = os.pathsep.join([str(tmp_path / "hidden"), str(HERE / "thirdparty")])
    assert "executor ray" in benchbench(tmp_path, "ls", "plugins", PYTHONPATH=path).stdout
    done = benchbench(tmp_path, "run", "--grid", "weather", "--executor", "ray", code=2,
                      PYTHONPATH=path)  # fmt: skip
    assert done.stderr == (
        "benchbench: --executor ray needs Ray, which is not installed: pip install 'ray>=2.50'\n"
    )
    assert not (tmp_path / "benchbench-runs").exists(), "reported before any work"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("--ray-address", "auto"), "goes with --executor ray", id="no-executor"),
        pytest.param(("--set", "ray.retries=1"), "goes with --executor ray", id="a-setting-of-it"),
        pytest.param(
            ("--executor", "ray", "--set", "ray.retry=1"), "Did you mean 'retries'?", id="unknown"
        ),
        pytest.param(
            ("--executor", "ray", "--set", "ray.retries=-1"), "at least 0", id="out-of-range"
        ),
        pytest.param(
            ("--executor", "ray", "--ray-address", "127.0.0.1:1"),
            "No Ray cluster answers at '127.0.0.1:1'",
            id="nobody-there",
        ),
        pytest.param(
            ("--executor", "ray", "--ray-address", "ray://head:10001"),
            "address is HOST:PORT or auto",
            id="ray-client",
        ),
    ],
)
def test_a_wrong_option_is_reported_in_one_line(tmp_path, words, message):
    done = benchbench(tmp_path, "run", "--grid", "weather", "--quiet", *words, code=2)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("benchbench: ") and message in last
    assert "Traceback" not in done.stderr


def a_job(**more):
    plain = Job(cell(), "0" * 64, None, an_identity(), Path(), Path(), 1, None)
    return replace(plain, **more)


def test_need_counts_what_a_node_holds_at_once():
    node = {"CPU": 8.0, "GPU": 2.0, "memory": 10 * ray_cluster.GIB}
    assert Need(1, 0, 0).fits(node) == 8
    assert Need(3, 0, 0).fits(node) == 2
    assert Need(1, 1, 0).fits(node) == 2
    assert Need(1, 0, 4 * ray_cluster.GIB).fits(node) == 2
    assert Need(1, 0, 0).fits({}) == 0
    job = a_job(identity=an_identity(device="cuda"), threads=2, memory_mib=1024)
    assert Need.of_job(job) == Need(2, 1, ray_cluster.GIB)
    assert Need.of_job(job, memory=False) == Need(2, 1, 0)
    assert str(Need(2, 1, ray_cluster.GIB)) == "2 CPUs, 1 GPU, 1.0 GiB of memory"


def test_a_folder_comes_out_as_it_went_in(tmp_path, monkeypatch):
    monkeypatch.setattr("benchbench_ray.archive_pieces.PIECE_BYTES", 1000)
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "x").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a" / "deep" / "x")
    pieces = list(pack(tmp_path / "a"))
    assert len(pieces) > 5 and max(map(len, pieces)) <= 1000
    unpack(pieces, tmp_path / "b")
    assert (tmp_path / "b" / "deep" / "x").read_bytes() == bytes(range(256)) * 20
    assert not (tmp_path / "b" / "link").is_symlink()


@pytest.mark.parametrize("name", ["../out", "/out", "in/../../out"])
def test_an_archive_cannot_write_outside_its_folder(tmp_path, name):
    (tmp_path / "inside").mkdir()
    with pytest.raises(tarfile.TarError):
        unpack([archive_of(tarfile.TarInfo(name))], tmp_path / "inside")
    assert not any((tmp_path / "inside").iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_an_archive_holds_plain_files_alone(tmp_path, kind):
    member = tarfile.TarInfo("x")
    member.type, member.linkname = kind, "y"
    with pytest.raises(tarfile.TarError, match="not a plain file"):
        unpack([archive_of(member)], tmp_path)


def archive_of(member: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(member, io.BytesIO())
    return file.getvalue()


def test_an_error_of_ray_decides_whether_the_cell_runs_again():
    from benchbench_ray.failures import record_of_failure
    from ray import exceptions

    assert record_of_failure(a_job(), exceptions.WorkerCrashedError()) is None
    assert record_of_failure(a_job(), exceptions.NodeDiedError("10.0.0.1 died")) is None
    assert record_of_failure(a_job(), exceptions.OutOfMemoryError("10.0.0.1")).status == "oom"
    assert record_of_failure(a_job(), exceptions.TaskCancelledError()).status == "interrupted"
    cause = BenchbenchError("no disk\nleft")
    failed = record_of_failure(a_job(), exceptions.RayTaskError("run_cell", "10.0.0.1", cause))
    assert (failed.status, failed.reason) == ("failed", "no disk left")
