"""The files of a collection, from a folder or streamed from an archive, never extracted."""

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
from benchbench_wipo_alpha.metered_tar import (
    FREELY,
    MEMBER_BYTES,
    MEMBERS,
    RATIO,
    RATIO_FREELY,
    TOTAL_BYTES,
    MeteredTar,
)
from benchbench_wipo_alpha.places import HALVES, Place, place_of
from benchbench_wipo_alpha.xml import FILE_BYTES

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")

CollectionFile = tuple[Place, bytes | str]
"""An XML file of the collection: its place, and its bytes or the path to them."""


class PatentCollection(Protocol):
    """A collection in a folder or in an archive.

    While `members` is read, `outside` collects the XML files that are in neither half.
    """

    path: Path
    outside: list[str]

    def digest(self) -> str:
        """Return a digest of all that `members` would read. Raises LoaderError."""
        ...

    def members(self) -> Iterator[CollectionFile]:
        """Yield the XML files of both halves. Raises LoaderError."""
        ...


def find_collection(path: str) -> PatentCollection:
    """Return the collection at `path`; raise LoaderError where there is none."""
    root = Path(path).expanduser()
    if root.is_dir():
        return CollectionFolder(root)
    name = root.name.lower()
    if root.is_file() and name.endswith(".zip"):
        return ZipCollection(root)
    if root.is_file() and name.endswith(TAR_SUFFIXES):
        return TarCollection(root)
    what = "neither a folder nor an archive" if root.exists() else "no such file or folder"
    raise LoaderError(
        f"{root}: {what}; give the folder that holds {' and '.join(HALVES)}, or a .zip, "
        ".tar or .tar.gz of it"
    )


class CollectionFolder:
    """A folder that holds `train` and `test`, or that holds one folder with both."""

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        self.path = path
        self.outside: list[str] = []

    def digest(self) -> str:
        """Return the sha256 over the place, size and modification time of every file.

        Reading the contents of 75,000 files would take as long as loading them.
        """
        sha256 = hashlib.sha256(b"tree")
        for place, path in self._files():
            try:
                status = os.stat(path)  # noqa: PTH116  called 75,000 times
            except OSError as error:
                raise LoaderError(f"{path}: cannot be read ({error.strerror})") from None
            sha256.update(f"{place}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return sha256.hexdigest()

    def members(self) -> Iterator[CollectionFile]:
        """Yield the XML files in the order of their places."""
        return iter(self._files())

    def _files(self) -> list[tuple[Place, str]]:
        """Return the XML files, sorted. Raises LoaderError for a folder that is a link.

        Following links could lead into a loop, and ignoring them would lose documents silently. A
        name ending in .xml that is not a readable file becomes a bad document later.
        """
        self.outside.clear()
        files: list[tuple[Place, str]] = []
        for folder, entries in _walk(str(self.path)):
            relative = Path(folder).relative_to(self.path).as_posix()
            inside = place_of(f"{relative}/x")
            xml = [e for e in entries if e.name.lower().endswith(".xml") and not e.is_dir()]
            _refuse_links(relative, entries)
            if inside is None:
                self.outside += [entry.path for entry in xml]
            else:
                files += [(inside[:-1] + entry.name, entry.path) for entry in xml]
        files.sort()
        for (place, path), (next_place, next_path) in pairwise(files):
            if place == next_place:
                raise LoaderError(f"{next_path}: {path} is in the same place; remove one of them")
        return files


class CollectionArchive:
    """What both kinds of archives share. The current member is the one looked at last."""

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
        """Return the one-line error about the current member."""
        return LoaderError(f"{self.path}: {self._member}: {reason}")

    def look_at(self, name: str, seen: set[str]) -> None:
        """Make a member the current one.

        Raises LoaderError for a name that points out of the archive or occurs twice.
        """
        self._member = name if name.isprintable() else repr(name)
        parts = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in name or ":" in name[:2] or ".." in parts:
            raise self.fault("the name points out of the archive; create the archive again")
        clean = "/".join(parts)
        if clean in seen:
            raise self.fault("the name occurs twice in the archive; create the archive again")
        seen.add(clean)
        if len(seen) > MEMBERS:
            raise LoaderError(f"{self.path}: more than {MEMBERS} members; give the folder instead")

    def place(self, places: Container[Place]) -> Place | None:
        """Return the place of the current member, None unless it is an XML file of a half."""
        if not self._member.lower().endswith(".xml"):
            return None
        place = place_of(self._member)
        if place is None:
            self.outside.append(f"{self.path}: {self._member}")
        elif place in places:
            raise self.fault(f"{place} occurs twice in the archive; create the archive again")
        return place

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn the exceptions of a damaged archive into a LoaderError."""
        try:
            yield
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise self.fault(f"damaged ({error}); copy or download it again") from None
        except (NotImplementedError, RuntimeError, ValueError) as error:
            raise self.fault(
                f"cannot be read ({error}); pack it again without encryption"
            ) from None


class ZipCollection(CollectionArchive):
    """A zip archive; members are read in the order of their places."""

    def members(self) -> Iterator[CollectionFile]:
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
        files: dict[Place, zipfile.ZipInfo] = {}
        seen: set[str] = set()
        total = 0
        for info in archive.infolist():
            self.look_at(info.filename, seen)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise self.fault("is a link; replace it by the file")
            total += info.file_size
            ratio = RATIO if info.file_size > FREELY else RATIO_FREELY
            if info.file_size > MEMBER_BYTES or total > TOTAL_BYTES:
                raise self.fault("too large when unpacked; give the folder instead")
            if info.file_size > ratio * max(info.compress_size, 1):
                raise self.fault(
                    f"unpacks to more than {ratio} times its size; give the folder instead"
                )
            if not info.is_dir() and (place := self.place(files)):
                files[place] = info
        return sorted(files.items(), key=lambda item: item[0])


class TarCollection(CollectionArchive):
    """A tar archive, gzipped or not; members are read in the archive's order."""

    def members(self) -> Iterator[CollectionFile]:
        """Yield the XML files in the archive's order."""
        self.outside.clear()
        seen: set[str] = set()
        places: set[Place] = set()
        with self.guarded(), self.path.open("rb") as file:
            stream = MeteredTar(self.path, file)
            # needs no closing: `file` is all that it holds
            archive = tarfile.open(fileobj=stream, mode="r|")  # type: ignore[call-overload]  # noqa: SIM115
            for info in archive:
                self.look_at(info.name, seen)
                if info.isdir():
                    continue
                if not info.isreg():
                    raise self.fault("is a link or a device; replace it by a file")
                if info.size > MEMBER_BYTES:
                    raise self.fault("too large when unpacked; give the folder instead")
                if place := self.place(places):
                    places.add(place)
                    content = archive.extractfile(info)
                    yield place, content.read(FILE_BYTES + 1) if content else b""
            stream.check_end()  # tarfile accepts an archive that is cut between two files


def _refuse_links(folder: str, entries: list[os.DirEntry[str]]) -> None:
    """Raise LoaderError where a folder of a half is a link."""
    for entry in entries:
        if entry.is_symlink() and entry.is_dir() and place_of(f"{folder}/{entry.name}/x"):
            raise LoaderError(
                f"{entry.path}: is a link to a folder, which is not followed; put the folder there"
            )


def _walk(root: str) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Yield every folder with its entries; unlike `os.walk`, it asks for each entry once."""
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
        except OSError as error:
            raise LoaderError(
                f"{error.filename}: cannot be read ({error.strerror}); check its permissions"
            ) from None
        yield folder, entries
        folders += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
