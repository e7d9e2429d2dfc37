"""Where caches are, whom they are trusted from, and what becomes of a damaged corpus."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from benchbench import BenchbenchError, LoaderError
from benchbench.catalog.lookup import load_catalog
from benchbench.contract.cell import Reference
from benchbench.machine.hardware import Device
from benchbench.planning import matrix_speed, preparation
from benchbench.planning.caches import CACHE, cache_folder, open_cache
from benchbench.planning.preparation import prepare
from tests.support.faults import failing

DEVICE = Device("cpu", "a processor", "float32")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def in_this_process(monkeypatch):
    """Read datasets in this process, which is faster and can be given faults."""
    monkeypatch.setattr(preparation, "_in_own_process", preparation.build)


@pytest.fixture
def claims(tmp_path):
    rows = [f"text number {n},{'pump' if n % 2 else 'valve'}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    given = {"path": str(tmp_path / "t.csv"), "text": "text", "label": "label"}
    return Reference("csv", "claims", given)


def test_a_user_without_a_home_has_a_cache_of_his_own(monkeypatch):
    for name in (CACHE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert cache_folder().name == f"benchbench-{os.geteuid()}"


def test_a_cache_that_others_may_write_to_is_refused_with_the_remedy(cache):
    cache.mkdir(mode=0o700)
    assert open_cache() == cache
    cache.chmod(0o777)
    with pytest.raises(BenchbenchError, match=f"not trusted.*{CACHE}=FOLDER"):
        open_cache()


def test_words_changed_at_equal_length_are_noticed_told_and_read_again(in_this_process, claims):
    first = prepare(claims, load_catalog())
    assert first.is_untouched()
    file = first.folder / "train.arrow"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"text number", b"text forged"))
    assert not first.is_untouched()
    told: list[str] = []
    again = prepare(claims, load_catalog(), say=told.append)
    assert [line for line in told if "train.arrow was changed" in line] == told != []
    assert "claims is damaged" in told[0] and "\n" not in told[0]
    assert again.fingerprint == first.fingerprint
    assert file.read_bytes() == whole
    told.clear()
    prepare(claims, load_catalog(), say=told.append)
    assert told == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=os.strerror)
def test_what_the_disk_refuses_while_a_dataset_is_read_is_one_line(
    in_this_process, claims, number, monkeypatch
):
    def refuse(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("benchbench.kit.data.corpora.open_writer", refuse)
    with pytest.raises(BenchbenchError, match=os.strerror(number)) as caught:
        prepare(claims, load_catalog())
    assert "\n" not in str(caught.value)
    assert "'claims'" in str(caught.value) and CACHE in str(caught.value)


def test_a_source_that_gives_an_input_error_is_named(claims, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("hashlib.file_digest", refuse)
    with pytest.raises(LoaderError, match=r"t\.csv: cannot be read \(Input/output error\)"):
        prepare(claims, load_catalog())


def test_measured_speeds_are_kept_checked_and_not_taken_from_others(cache):
    path = matrix_speed._path(DEVICE, 1)
    matrix_speed._keep(path, {128: 1e9})
    assert matrix_speed._kept(path) == {128: 1e9}
    cache.chmod(0o777)
    assert matrix_speed._kept(path) is None
    cache.chmod(0o700)
    path.write_text(path.read_text().replace("1000000000", "2000000000"))
    assert matrix_speed._kept(path) is None


def test_speeds_that_cannot_be_kept_do_not_stop_a_plan(cache):
    with failing(1, errno.ENOSPC, persistent=True):
        matrix_speed._keep(matrix_speed._path(DEVICE, 1), {128: 1e9})
    assert matrix_speed._kept(matrix_speed._path(DEVICE, 1)) is None
