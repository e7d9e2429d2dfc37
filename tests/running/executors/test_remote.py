"""What executors on other machines build from: checks of the machine, and its cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchbench import BenchbenchError, Job, Skip
from benchbench.contract import LocalPath
from benchbench.running.executors import remote
from tests.support.building import an_identity, cell


def a_job(**more: object) -> Job:
    plain = Job(cell(), "0" * 64, None, an_identity(), Path(), Path(), 1, None)
    return replace(plain, **more)


class Model:
    def __init__(self, answer):
        self.answer = answer

    def identity(self, params, *, offline):
        assert offline and params == {"revision": "main"}
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def model(monkeypatch):
    """Let every backbone of this machine answer with a chosen identity."""

    def install(answer):
        class Catalog:
            backbones = ()

            def backbone(self, use):
                return Model(answer)

        remote._identity.cache_clear()
        monkeypatch.setattr(remote, "_catalog", Catalog)

    yield install
    remote._identity.cache_clear()


def test_a_machine_with_the_same_versions_is_accepted():
    remote.check_installation(a_job(), dict(remote.installation()))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("torch", id="a-package"),
        pytest.param("python", id="python"),
        pytest.param("benchbench", id="benchbench-itself"),
        pytest.param("benchbench:csv", id="a-plugin-of-the-cell"),
    ],
)
def test_an_error_about_another_version_names_both_versions(name):
    planned = {**remote.installation(), name: "1.0"}
    with pytest.raises(BenchbenchError, match=r"instead of 1\.0") as error:
        remote.check_installation(a_job(), planned)
    assert f"{name} {remote.installation()[name]} instead of 1.0" in str(error.value)


def test_a_plugin_that_the_cell_does_not_use_may_differ_or_be_absent():
    planned = {**remote.installation(), "benchbench:demo": "1.0", "stranger:notifier": "2.0"}
    remote.check_installation(a_job(), planned)


def test_many_differences_are_one_line():
    planned = dict.fromkeys(remote.installation(), "1.0")
    with pytest.raises(BenchbenchError, match=r"and \d+ more; install the versions") as error:
        remote.check_installation(a_job(), planned)
    assert "\n" not in str(error.value)


def test_other_weights_are_refused_and_absent_weights_are_left_to_the_cell(model):
    model("a" * 64)
    remote.check_weights(a_job())
    model("b" * 64)
    with pytest.raises(BenchbenchError, match="has other weights of llama"):
        remote.check_weights(a_job())
    model(Skip("not in the cache"))
    remote.check_weights(a_job())


def test_a_backbone_has_a_folder_only_if_a_folder_names_it(model, tmp_path, monkeypatch):
    model("a" * 64)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    named = replace(cell(), backbone=replace(cell().backbone, use=LocalPath.of("./mine")))
    assert remote.backbone_folder(a_job(cell=named)) == tmp_path / "mine"
    assert remote.backbone_folder(a_job()) is None
    assert remote.backbone_folder(a_job(cell=replace(named, backbone=None))) is None


def test_a_sent_folder_is_written_once_and_never_in_part(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    written = []

    def fill(folder: Path) -> None:
        written.append(folder)
        (folder / "x").write_text("x")
        if len(written) == 1:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        remote.cached("corpora", "f" * 64, fill)
    assert not list((tmp_path / "sent" / "corpora").iterdir())
    kept = remote.cached("corpora", "f" * 64, fill)
    assert remote.cached("corpora", "f" * 64, fill) == kept
    assert len(written) == 2
    assert [path.name for path in kept.iterdir()] == ["x"]


@pytest.mark.parametrize("damage", ["changed", "more", "less"])
def test_a_sent_folder_that_was_damaged_is_sent_again(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))

    def fill(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "x").write_text("weights")

    kept = remote.cached("backbones", "f" * 64, fill)
    if damage == "changed":
        (kept / "deep" / "x").write_text("WEIGHTS")
    elif damage == "more":
        (kept / "adapter_config.json").write_text("{}")
    else:
        (kept / "deep" / "x").unlink()
    assert remote.cached("backbones", "f" * 64, fill) == kept
    assert [path.name for path in kept.iterdir()] == ["deep"]
    assert (kept / "deep" / "x").read_text() == "weights"


def test_a_machine_whose_cache_others_may_write_to_shares_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    assert remote.own_cache() == tmp_path
    tmp_path.chmod(0o777)
    assert remote.own_cache() is None


def test_another_try_starts_with_an_empty_scratch_folder(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "artifacts").mkdir()
    again = remote.with_fresh_scratch(a_job(scratch=tmp_path / "old"))
    assert list(tmp_path.iterdir()) == [again.scratch]
    assert not list(again.scratch.iterdir())


def test_a_failure_is_one_line_and_names_the_type_of_foreign_exceptions_only():
    record = remote.failure(a_job(), BenchbenchError("no disk\n left"))
    assert (record.status, record.reason) == ("failed", "no disk left")
    record = remote.failure(a_job(), ValueError("what"))
    assert (record.status, record.reason) == ("failed", "ValueError: what")
    assert remote.failure(a_job(), Skip("not here")).status == "skipped"
