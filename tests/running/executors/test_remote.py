"""What executors on other machines build from: is the same there, and what is kept there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchbench import BenchbenchError, Job, Skip
from benchbench.running.executors import remote as elsewhere
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
    """Make every backbone of this machine the one that is given."""

    def install(answer):
        class Catalog:
            backbones = ()

            def backbone(self, use):
                return Model(answer)

        elsewhere._identity.cache_clear()
        monkeypatch.setattr(elsewhere, "_catalog", Catalog)

    yield install
    elsewhere._identity.cache_clear()


def test_what_is_installed_here_is_what_is_installed_here():
    elsewhere.check_installation(a_job(), dict(elsewhere.installation()))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("torch", "instead of 1.0", id="a-package"),
        pytest.param("python", "instead of 1.0", id="python"),
        pytest.param("benchbench", "instead of 1.0", id="benchbench-itself"),
        pytest.param("benchbench:csv", "instead of 1.0", id="a-plugin-of-the-cell"),
    ],
)
def test_another_version_is_named_with_both(name, told):
    asked = {**elsewhere.installation(), name: "1.0"}
    with pytest.raises(BenchbenchError, match=told) as error:
        elsewhere.check_installation(a_job(), asked)
    assert f"{name} {elsewhere.installation()[name]} instead of 1.0" in str(error.value)


def test_a_plugin_that_the_cell_does_not_use_may_differ_or_be_absent():
    asked = {**elsewhere.installation(), "benchbench:demo": "1.0", "stranger:notifier": "2.0"}
    elsewhere.check_installation(a_job(), asked)


def test_many_differences_are_one_line():
    asked = dict.fromkeys(elsewhere.installation(), "1.0")
    with pytest.raises(BenchbenchError, match=r"and \d+ more; install there") as error:
        elsewhere.check_installation(a_job(), asked)
    assert "\n" not in str(error.value)


def test_other_weights_are_refused_and_absent_ones_left_to_the_cell(model):
    model("a" * 64)
    elsewhere.check_weights(a_job())
    model("b" * 64)
    with pytest.raises(BenchbenchError, match="has other weights of llama"):
        elsewhere.check_weights(a_job())
    model(Skip("not in the cache"))
    elsewhere.check_weights(a_job())


def test_a_folder_is_a_backbones_only_where_no_name_stands_for_it(model, tmp_path, monkeypatch):
    model("a" * 64)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    named = replace(cell(), backbone=replace(cell().backbone, use="./mine"))
    assert elsewhere.backbone_folder(a_job(cell=named)) == tmp_path / "mine"
    assert elsewhere.backbone_folder(a_job()) is None
    assert elsewhere.backbone_folder(a_job(cell=replace(named, backbone=None))) is None


def test_a_sent_folder_is_written_once_and_never_half(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    written = []

    def fill(folder: Path) -> None:
        written.append(folder)
        (folder / "x").write_text("x")
        if len(written) == 1:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        elsewhere.cached("corpora", "f" * 64, fill)
    assert not list((tmp_path / "sent" / "corpora").iterdir())
    kept = elsewhere.cached("corpora", "f" * 64, fill)
    assert elsewhere.cached("corpora", "f" * 64, fill) == kept
    assert len(written) == 2
    assert [path.name for path in kept.iterdir()] == ["x"]


def test_another_try_finds_nothing_of_the_one_before(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "artifacts").mkdir()
    again = elsewhere.with_fresh_scratch(a_job(scratch=tmp_path / "old"))
    assert list(tmp_path.iterdir()) == [again.scratch]
    assert not list(again.scratch.iterdir())


def test_a_failure_is_one_line_and_a_fault_of_ours_without_its_type():
    told = elsewhere.failure(a_job(), BenchbenchError("no disk\n left"))
    assert (told.status, told.reason) == ("failed", "no disk left")
    told = elsewhere.failure(a_job(), ValueError("what"))
    assert (told.status, told.reason) == ("failed", "ValueError: what")
    assert elsewhere.failure(a_job(), Skip("not here")).status == "skipped"
