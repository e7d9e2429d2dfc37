"""WIPO-Alpha in archives: the same corpus, never extracted; bombs and damage are refused."""

from __future__ import annotations

import io
import random
import tarfile
import tracemalloc
import zipfile

import pytest
from benchbench_wipo_alpha import collection_files, metered_tar
from benchbench_wipo_alpha.wipo_dataset import WipoAlpha

from benchbench import LoaderError
from benchbench.contract.corpus import SPLITS
from benchbench.kit.typed_parameters import read_parameters
from tests.support.patents import (
    MAINS,
    as_bytes,
    document,
    files,
    place,
    settled,
    write_folder,
    write_tar,
    write_zip,
)

WRITERS = {"wipo.zip": write_zip, "wipo.tar": write_tar, "wipo.tar.gz": write_tar}
SPOILT = place("train", 1, MAINS[1])


def load(path, folder, **params):
    return WipoAlpha().load(settled(path, **params), folder)


@pytest.fixture
def shuffled():
    """Return a collection one folder deeper, in an order that no file system gives."""
    contents = list(files(48).items())
    random.Random(0).shuffle(contents)
    return {f"WIPO/{name.replace('train', 'Train')}": text for name, text in contents}


@pytest.mark.parametrize("name", WRITERS)
def test_an_archive_gives_the_corpus_of_its_folder(tmp_path, name, shuffled):
    expected = load(write_folder(tmp_path / "tree", shuffled), tmp_path / "from-tree")
    path = WRITERS[name](tmp_path / name, shuffled)
    before = sorted(tmp_path.iterdir())
    corpus = load(path, tmp_path / "from-archive")
    for split in SPLITS:
        assert getattr(corpus, split).to_list() == getattr(expected, split).to_list()
    assert corpus.labels == expected.labels
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "from-archive"])
    assert not list((tmp_path / "from-archive").rglob("*.xml"))


def bomb(size):
    """Return a document of blanks, which shrinks to a thousandth of its size."""
    return as_bytes(document(1, MAINS[1], body="<tis><ti>x</ti></tis>" + " " * size))


def linked(path):
    """Write an archive with a symbolic link in it."""
    if path.name.endswith("zip"):
        with zipfile.ZipFile(path, "w") as archive:
            info = zipfile.ZipInfo("train/A/link.xml")
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
    else:
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo("train/A/link.xml")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
    return path


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("trick", ["../evil.xml", "/train/evil.xml", "train/../../evil.xml"])
def test_names_that_leave_the_archive_are_refused(tmp_path, name, trick):
    path = WRITERS[name](tmp_path / name, {**files(), trick: document(99)})
    with pytest.raises(LoaderError, match="points out of the archive"):
        load(path, tmp_path / "out")
    assert not list(tmp_path.rglob("evil.xml"))


@pytest.mark.parametrize("name", ["wipo.zip", "wipo.tar"])
def test_links_are_refused(tmp_path, name):
    with pytest.raises(LoaderError, match="is a link"):
        load(linked(tmp_path / name), tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["wipo.zip", "wipo.tar"])
def test_names_used_twice_are_refused(tmp_path, name):
    path = WRITERS[name](tmp_path / name, files())
    if name.endswith("zip"):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(SPOILT, "again")
    else:
        with tarfile.open(path, "a") as archive:
            archive.addfile(tarfile.TarInfo(SPOILT), io.BytesIO())
    with pytest.raises(LoaderError, match="occurs twice in the archive"):
        load(path, tmp_path / "out")


def test_an_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "wipo.zip", files())
    content = bytearray(path.read_bytes())
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(start)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(start, at + 4)
    path.write_bytes(content)
    with pytest.raises(LoaderError, match=r"cannot be read .* pack it again without encryption"):
        load(path, tmp_path / "out")


@pytest.mark.parametrize("name", WRITERS)
def test_an_archive_cut_short_names_itself(tmp_path, name):
    path = WRITERS[name](tmp_path / name, files())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LoaderError, match=f"{name}: .*damaged") as caught:
        load(path, tmp_path / "out")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["wipo.zip", "wipo.tar.gz"])
def test_a_bomb_is_refused_before_it_goes_off(tmp_path, name):
    path = WRITERS[name](tmp_path / name, {**files(), SPOILT: bomb(12_000_000)})
    with pytest.raises(LoaderError, match="unpacks to more than 100 times its size"):
        load(path, tmp_path / "out")


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    path = write_zip(tmp_path / "wipo.zip", {SPOILT: bomb(3_000_000)})
    content = path.read_bytes()
    size = len(bomb(3_000_000)).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (400).to_bytes(4, "little")))
    with pytest.raises(LoaderError, match=r"damaged|cut short"):
        load(path, tmp_path / "out")


@pytest.mark.parametrize("name", ["wipo.zip", "wipo.tar.gz"])
def test_the_caps_on_members_and_bytes_hold(tmp_path, name, monkeypatch):
    path = WRITERS[name](tmp_path / name, files())
    monkeypatch.setattr(collection_files, "MEMBERS", 20)
    with pytest.raises(LoaderError, match="more than 20 members"):
        load(path, tmp_path / "out")
    monkeypatch.setattr(collection_files, "MEMBERS", 100)
    for module in (collection_files, metered_tar):
        monkeypatch.setattr(module, "TOTAL_BYTES", 2000)
    with pytest.raises(LoaderError, match=r"too large when unpacked|unpacks to more than"):
        load(path, tmp_path / "out")
    monkeypatch.setattr(collection_files, "MEMBER_BYTES", 100)
    with pytest.raises(LoaderError, match=r"too large when unpacked|unpacks to more than"):
        load(path, tmp_path / "out")


def damaged(content, chance):
    """Return the content with bytes flipped, or cut short, or with a piece twice."""
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        spoilt[chance.randrange(len(spoilt))] = chance.choice((*range(256), *b'<>&;"/!\0'))
    if chance.random() < 0.3:
        del spoilt[chance.randrange(len(spoilt)) :]
    if chance.random() < 0.1:
        at = chance.randrange(len(spoilt) + 1)
        spoilt[at:at] = spoilt[at : at + chance.randrange(200)]
    return bytes(spoilt)


@pytest.mark.parametrize(
    ("name", "rounds"), [("tree", 1600), ("wipo.zip", 250), ("wipo.tar.gz", 150)]
)
def test_random_damage_gives_rows_or_a_loader_error(tmp_path, name, rounds):
    from benchbench_wipo_alpha.collection_files import find_collection
    from benchbench_wipo_alpha.document_counts import DocumentCounts
    from benchbench_wipo_alpha.wipo_dataset import _spool
    from benchbench_wipo_alpha.wipo_options import WipoAlphaOptions

    contents = files(6)
    head = '<?xml version="1.0" encoding="iso-8859-1"?>\n<!DOCTYPE record SYSTEM "x.dtd">\n'
    contents[SPOILT] = document(1, MAINS[1], head=head, body='<tis><ti xml:lang="EN">caf\xe9 '
                                "&amp;<!-- x --><![CDATA[y]]></ti></tis>")  # fmt: skip
    chance = random.Random(name)
    path = write_folder(tmp_path / name, contents) if name == "tree" else None
    whole = path or WRITERS[name](tmp_path / name, contents)
    original = as_bytes(contents[SPOILT]) if path else whole.read_bytes()
    victim = whole / SPOILT if path else whole
    outcomes = {"rows": 0, "bad": 0, "refused": 0}
    tracemalloc.start()
    for _ in range(rounds):
        victim.write_bytes(damaged(original, chance))
        counts = DocumentCounts(str(whole), True, 1.0)
        options = read_parameters(WipoAlphaOptions, settled(whole))
        with (tmp_path / "spool").open("w+b") as spool:
            try:
                headers = _spool(find_collection(str(whole)), options, spool, counts)
            except LoaderError as error:
                assert str(whole) in str(error) or SPOILT in str(error)
                outcomes["refused"] += 1
            else:
                assert counts.seen == len(headers) + len(counts.skipped)
                outcomes["bad" if counts.skipped else "rows"] += 1
    assert tracemalloc.get_traced_memory()[1] < 200_000_000
    tracemalloc.stop()
    assert sum(outcomes.values()) == rounds
    assert outcomes["refused" if name != "tree" else "bad"] > rounds / 5
