"""The files of a collection: from a folder, or streamed out of an archive, never extracted."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Container, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Protocol

from benchbench import LoaderError
from benchbench_wipo_alpha.metered import (
    FREELY,
    MEMBER_BYTES,
    MEMBERS,
    RATIO,
    RATIO_FREELY,
    TOTAL_BYTES,
    Metered,
)
from benchbench_wipo_alpha.places import HALVES, Place, place_of
from benchbench_wipo_alpha.xml import FILE_BYTES

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")


Member = tuple[Place, bytes | str]
"""An XML file of the collection: where it stands, and its bytes or the path that holds them."""


class Source(Protocol):
    """A collection that is given as a folder or as an archive.

    `outside` fills, while the members are read, with XML files that stand in neither half.
    """

    path: Path
    outside: list[str]

    def digest(self) -> str:
        """Return a digest of what would be read. Raises LoaderError."""
        ...

    def members(self) -> Iterator[Member]:
        """Yield the XML files of both halves. Raises LoaderError."""
        ...


def find_source(path: str) -> Source:
    """Return the collection at `path`. Raises LoaderError where there is none."""
    found = Path(path).expanduser()
    if found.is_dir():
        return Tree(found)
    name = found.name.lower()
    if found.is_file() and name.endswith(".zip"):
        return Zip(found)
    if found.is_file() and name.endswith(TAR_SUFFIXES):
        return Tar(found)
    what = "no such file or folder" if not found.exists() else "neither a folder nor an archive"
    raise LoaderError(
        f"{found}: {what}; give the folder that holds {' and '.join(HALVES)}, or a .zip, "
        ".tar or .tar.gz of it"
    )


class Tree:
    """A folder with `train` and `test` in it, or with one folder that holds them."""

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        self.path = path
        self.outside: list[str] = []

    def digest(self) -> str:
        """Return the sha256 of every file's place, size and time of change.

        Contents are not read: 75,000 files would cost as much as loading them.
        """
        found = hashlib.sha256(b"tree")
        for place, path in self._files():
            try:
                facts = os.stat(path)  # noqa: PTH116  75,000 times
            except OSError as error:
                raise LoaderError(f"{path}: cannot be read ({error.strerror})") from None
            found.update(f"{place}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
        return found.hexdigest()

    def members(self) -> Iterator[Member]:
        """Yield the XML files in the order of their places."""
        return iter(self._files())

    def _files(self) -> list[tuple[Place, str]]:
        """Return the XML files, sorted; raise LoaderError for a folder that is a link.

        Links to folders are not followed, so no loop is met; nor are they passed over, or the
        documents behind them would be lost unseen. What is called XML and is no file that can be
        read is a bad document.
        """
        self.outside.clear()
        found: list[tuple[Place, str]] = []
        for folder, entries in _walk(str(self.path)):
            relative = Path(folder).relative_to(self.path).as_posix()
            inside = place_of(f"{relative}/x")
            files = [e for e in entries if e.name.lower().endswith(".xml") and not e.is_dir()]
            _refuse_links(relative, entries)
            if inside is None:
                self.outside += [entry.path for entry in files]
            else:
                found += [(inside[:-1] + entry.name, entry.path) for entry in files]
        found.sort()
        for (place, path), (other, same) in pairwise(found):
            if place == other:
                raise LoaderError(f"{same}: {path} stands in the same place; remove one")
        return found


class Archive:
    """What holds for both kinds of archives."""

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        self.path = path
        self.outside: list[str] = []
        self._member = "archive"

    def digest(self) -> str:
        """Return the sha256 of the archive."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise LoaderError(f"{self.path}: cannot be read ({error.strerror})") from None

    def fault(self, reason: str) -> LoaderError:
        """Return the one-line error about the member that is looked at."""
        return LoaderError(f"{self.path}: {self._member}: {reason}")

    def look_at(self, name: str, seen: set[str]) -> None:
        """Turn to a member. Raises LoaderError for names that leave the archive or come twice."""
        self._member = name if name.isprintable() else repr(name)
        parts = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in name or ":" in name[:2] or ".." in parts:
            raise self.fault("the name points out of the archive; make it anew")
        clean = "/".join(parts)
        if clean in seen:
            raise self.fault("the name stands in the archive twice; make it anew")
        seen.add(clean)
        if len(seen) > MEMBERS:
            raise LoaderError(f"{self.path}: more than {MEMBERS} members; give the folder instead")

    def place(self, places: Container[Place]) -> Place | None:
        """Return where the member stands, None unless it is an XML file of a half."""
        if not self._member.lower().endswith(".xml"):
            return None
        place = place_of(self._member)
        if place is None:
            self.outside.append(f"{self.path}: {self._member}")
        elif place in places:
            raise self.fault(f"{place} stands in the archive twice; make it anew")
        return place

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what damaged archives raise into a LoaderError."""
        try:
            yield
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise self.fault(f"damaged ({error}); copy or download it again") from None
        except (NotImplementedError, RuntimeError, ValueError) as error:
            raise self.fault(f"cannot be read ({error}); pack it anew, plainly") from None


class Zip(Archive):
    """A zip archive; members are read in the order of their places."""

    def members(self) -> Iterator[Member]:
        """Yield the XML files in the order of their places."""
        self.outside.clear()
        with self.guarded():
            archive = zipfile.ZipFile(self.path)
        with archive:
            for place, info in self._files(archive):
                self._member = info.filename
                with self.guarded(), archive.open(info) as file:
                    content = file.read(FILE_BYTES + 1)
                yield place, content

    def _files(self, archive: zipfile.ZipFile) -> list[tuple[Place, zipfile.ZipInfo]]:
        found: dict[Place, zipfile.ZipInfo] = {}
        seen: set[str] = set()
        total = 0
        for info in archive.infolist():
            self.look_at(info.filename, seen)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise self.fault("is a link; links are refused")
            total += info.file_size
            ratio = RATIO if info.file_size > FREELY else RATIO_FREELY
            if info.file_size > MEMBER_BYTES or total > TOTAL_BYTES:
                raise self.fault("too large unpacked; give the folder instead")
            if info.file_size > ratio * max(info.compress_size, 1):
                raise self.fault(f"unpacks to more than {ratio} times its size; it is refused")
            if not info.is_dir() and (place := self.place(found)):
                found[place] = info
        return sorted(found.items(), key=lambda item: item[0])


class Tar(Archive):
    """A tar archive, gzipped or not; members come in the archive's order."""

    def members(self) -> Iterator[Member]:
        """Yield the XML files in the archive's order."""
        self.outside.clear()
        seen: set[str] = set()
        places: set[Place] = set()
        with self.guarded(), self.path.open("rb") as file:
            stream = Metered(self.path, file)
            # closed with `file`, which is all that it holds
            archive = tarfile.open(fileobj=stream, mode="r|")  # type: ignore[call-overload]  # noqa: SIM115
            for info in archive:
                self.look_at(info.name, seen)
                if info.isdir():
                    continue
                if not info.isreg():
                    raise self.fault("is a link or a device; only files are read")
                if info.size > MEMBER_BYTES:
                    raise self.fault("too large unpacked; give the folder instead")
                if place := self.place(places):
                    places.add(place)
                    content = archive.extractfile(info)
                    yield place, content.read(FILE_BYTES + 1) if content else b""
            stream.check_end()  # tarfile takes an archive that is cut between two files


def _refuse_links(folder: str, entries: list[os.DirEntry[str]]) -> None:
    """Raise LoaderError where a folder of a half is a link."""
    for entry in entries:
        if entry.is_symlink() and entry.is_dir() and place_of(f"{folder}/{entry.name}/x"):
            raise LoaderError(
                f"{entry.path}: is a link to a folder, which is not followed; put the folder there"
            )


def _walk(root: str) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Yield every folder with what is in it, each looked at once, which `os.walk` does not."""
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            raise LoaderError(
                f"{error.filename}: cannot be read ({error.strerror}); check its permissions"
            ) from None
        yield folder, entries
        folders += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
