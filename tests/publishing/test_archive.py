"""Archives of another form than the published one are refused in one line, before they unpack."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from benchbench.contract import StoreError
from benchbench.machine.temporary_folder import PREFIX
from benchbench.publishing.archive import CENTRAL, END, LOCAL, PackedFile, archive_bytes, extract
from benchbench.publishing.publication import check_folder
from benchbench.publishing.verification import verify

RUN = f"runs/{'a' * 64}/{'b' * 64}-1.json"
FILES = {"boards/a.json": b"{}\n", RUN: b'{"x":1}\n' * 50}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.zip"


def refused(path, content):
    """Return the one line with which an archive is refused; nothing of it is left unpacked."""
    path.write_bytes(content)
    out = path.parent / "out"
    with pytest.raises(StoreError) as error:
        extract(path, out, list)
    assert "\n" not in str(error.value)
    return str(error.value)


def built(files=None, *, local=lambda m: m.local, central=lambda m: m.central, end=None):
    """Return an archive whose headers may be changed."""
    parts, listing, offset = [], [], 0
    for name, content in (files or FILES).items():
        press = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        data = press.compress(content) + press.flush()
        member = PackedFile(name, zlib.crc32(content), len(data), len(content), offset)
        parts += [local(member), data]
        offset = member.end
        listing.append(central(member))
    whole = b"".join(listing)
    tail = end or END.pack(b"PK\5\6", 0, 0, len(listing), len(listing), len(whole), offset, 0)
    return b"".join([*parts, whole, tail])


def with_field(struct_of, header, place, value):
    """Return a header with one of its fields changed."""
    fields = list(struct_of.unpack_from(header))
    fields[place] = value
    return struct_of.pack(*fields) + header[struct_of.size :]


def both(place, value):
    """Change a field that both headers have, as a tool that writes such archives would."""
    return built(
        local=lambda m: with_field(LOCAL, m.local, place, value),
        central=lambda m: with_field(CENTRAL, m.central, place + 1, value),
    )


def central(place, value):
    return built(central=lambda m: with_field(CENTRAL, m.central, place, value))


def test_an_archive_is_a_zip_file_that_others_can_read_and_its_files_come_back(path, tmp_path):
    path.write_bytes(archive_bytes(FILES.items()))
    assert path.read_bytes() == built() == archive_bytes(reversed(FILES.items()))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
    extract(path, tmp_path / "out", list)
    assert all((tmp_path / "out" / name).read_bytes() == FILES[name] for name in FILES)


ORDERED = built()
FLAGS, METHOD, TIME = 2, 3, 4
LINK = 0o120777 << 16


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"prefix" + ORDERED, id="data-in-front"),
        pytest.param(ORDERED + b"suffix", id="data-behind"),
        pytest.param(ORDERED[:-2] + b"\2\0hi", id="comment"),
        pytest.param(built(dict(reversed(FILES.items()))), id="order"),
        pytest.param(both(FLAGS, 1), id="encrypted"),
        pytest.param(both(FLAGS, 8), id="sizes-behind-data"),
        pytest.param(both(METHOD, 0), id="stored"),
        pytest.param(both(METHOD, 14), id="lzma"),
        pytest.param(both(TIME, 77), id="time"),
        pytest.param(central(15, LINK), id="symlink"),
        pytest.param(central(1, 0), id="system"),
        pytest.param(central(16, 40), id="places-overlap"),
        pytest.param(built(local=lambda m: m.local + b"gap"), id="gap"),
        pytest.param(built(central=lambda m: m.central + b"x"), id="list-with-more"),
        pytest.param(built(local=lambda m: m.local.replace(b"runs", b"ruNs")), id="names-differ"),
    ],
)
def test_an_archive_of_another_form_is_refused(path, content):
    assert "a.zip: " in refused(path, content)


def test_a_name_that_stands_twice_is_refused(path):
    name = "boards/a.json"
    members = [PackedFile(name, 0, 2, 0, 0), PackedFile(name, 0, 2, 0, LOCAL.size + len(name) + 2)]
    data = b"".join(part for member in members for part in (member.local, b"\3\0"))
    listing = b"".join(member.central for member in members)
    tail = END.pack(b"PK\5\6", 0, 0, 2, 2, len(listing), len(data), 0)
    assert "is in it twice" in refused(path, data + listing + tail)


@pytest.mark.parametrize("place", [LOCAL.size + 20, -END.size - 10], ids=["data", "list"])
def test_changed_bytes_are_damage(path, place):
    content = bytearray(archive_bytes(FILES.items()))
    content[place] ^= 0xFF
    refused(path, bytes(content))


def declared(size, deflated=None):
    """Return an archive that declares another size than its data have."""

    def change(header, struct_of, place):
        header = with_field(struct_of, header, place, size)
        return header if deflated is None else with_field(struct_of, header, place - 1, deflated)

    return built(
        local=lambda m: change(m.local, LOCAL, 8),
        central=lambda m: change(m.central, CENTRAL, 9),
    )


def test_more_data_than_declared_is_cut_and_refused(path):
    assert "damaged" in refused(path, declared(2))
    assert not (path.parent / "out" / "boards" / "a.json").stat().st_size


def test_sizes_are_looked_at_before_data(path):
    assert "too large unpacked" in refused(path, declared(600 << 20))
    predictions = f"predictions/{'c' * 64}.parquet"
    assert "too large" in refused(path, archive_with(predictions, bytes(200 << 20), 1))
    assert not (path.parent / "out").exists()


def archive_with(name, content, level):
    press = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = press.compress(content) + press.flush()
    member = PackedFile(name, zlib.crc32(content), len(data), len(content), 0)
    tail = END.pack(b"PK\5\6", 0, 0, 1, 1, len(member.central), member.end, 0)
    return member.local + data + member.central + tail


def test_fifty_thousand_records_are_refused_by_their_number(path):
    start = time.process_time()
    name = f"runs/{'a' * 64}/{'b' * 64}-{{}}.json"
    headers = b"".join(PackedFile(name.format(n), 0, 2, 0, 0).central for n in range(1, 50_001))
    tail = END.pack(b"PK\5\6", 0, 0, 50_000, 50_000, len(headers), 0, 0)
    assert "it has 50,000 files" in refused(path, headers + tail)
    assert time.process_time() - start < 3


def test_an_archive_cannot_be_made_too_large_to_be_read():
    with pytest.raises(StoreError, match="20,001 files"):
        archive_bytes((f"runs/{number}", b"") for number in range(20_001))


def placed(folder, name, kind, target):
    path = folder / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(target)


@pytest.mark.parametrize("name", ["a.zip", "a.md"])
@pytest.mark.parametrize(
    ("kind", "target"), [("pipe", ""), ("folder", ""), ("device", "/dev/zero"), ("link", "other")]
)
def test_what_is_no_regular_file_is_not_opened(tmp_path, name, kind, target):
    placed(tmp_path, name, kind, target)
    (tmp_path / "other").write_bytes(archive_bytes(FILES.items()))
    other = tmp_path / ("a.md" if name == "a.zip" else "a.zip")
    other.write_bytes(archive_bytes(FILES.items()))
    (checked,) = check_folder(tmp_path)
    assert checked[1]
    assert any(finding.faults for finding in verify(tmp_path))


KILLED = """
import os, sys
from pathlib import Path
from benchbench.machine import temporary_folder
with temporary_folder() as folder:
    (folder / "large").write_bytes(b"x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_reader_unpacked_is_removed_at_the_next_start(tmp_path):
    from benchbench.machine import temporary_folder

    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    readers = [
        subprocess.Popen([sys.executable, "-c", KILLED], env=environment, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    dead, living = (Path(reader.stdout.readline().strip()) for reader in readers)
    readers[0].kill()
    readers[0].wait()
    (tmp_path / f"{PREFIX}of-another-kind").write_text("a file stays")
    assert dead.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path))
        with temporary_folder() as mine:
            assert not dead.exists()
            assert living.exists(), "its process lives"
            assert mine.parent == tmp_path
    assert not mine.exists()
    readers[1].communicate("")
    assert not living.exists()
