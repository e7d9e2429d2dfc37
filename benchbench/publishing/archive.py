"""A zip archive in the one form in which leaderboards are published, written and read.

Its bytes hold its members and nothing else: every header is what this file writes, names ascend,
members follow one another without a gap, and each is deflated. What has another form is refused
before anything is unpacked, so that no header, comment, link, encryption or hidden data can mean
one thing here and another to somebody else.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from benchbench.contract import StoreError
from benchbench.machine import open_regular

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
"""The three headers of the zip format (APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16)."""
VERSION, UNIX, DEFLATED, FIRST_OF_1980 = 20, 3 << 8, 8, 33
"""The date is fixed, so that an archive depends only on its content."""
PERMISSIONS = 0o644 << 16

SHA = "[0-9a-f]{64}"
PREDICTIONS = re.compile(rf"predictions/({SHA})\.parquet")
DOCUMENTS = (
    re.compile(r"(?:boards|evidence)/[a-z0-9][a-z0-9._-]{0,99}\.json"),
    re.compile(rf"datasets/{SHA}\.json"),
    re.compile(rf"runs/{SHA}/(?:{SHA}|unresolved)-[1-9][0-9]{{0,5}}\.json"),
)
"""The only names that the members of an archive may have."""
NAME_BYTES = 200
MEMBERS = 20_000
DOCUMENT_BYTES = 64 << 20
PREDICTIONS_BYTES = 1 << 30
TOTAL_BYTES = 5 << 30
RATIO = 100
"""The most that a member of more than a mebibyte may shrink; real ones shrink to a fifth."""
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file of an archive: its name, checksum, deflated size, size, and place."""

    name: str
    crc: int
    deflated: int
    size: int
    offset: int

    @property
    def local(self) -> bytes:
        """The header in front of the member's data."""
        name = self.name.encode()
        sizes = (self.crc, self.deflated, self.size, len(name), 0)
        return LOCAL.pack(b"PK\3\4", VERSION, 0, DEFLATED, 0, FIRST_OF_1980, *sizes) + name

    @property
    def central(self) -> bytes:
        """The member's entry in the list at the end of the archive."""
        name = self.name.encode()
        form = (UNIX | VERSION, VERSION, 0, DEFLATED, 0, FIRST_OF_1980)
        sizes = (self.crc, self.deflated, self.size, len(name), 0, 0)
        return CENTRAL.pack(b"PK\1\2", *form, *sizes, 0, 0, PERMISSIONS, self.offset) + name

    @property
    def end(self) -> int:
        """The place behind the member's data."""
        return self.offset + LOCAL.size + len(self.name) + self.deflated


def archive_bytes(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the archive of these files; raise StoreError where they are too many or too large."""
    parts: list[bytes] = []
    members: list[PackedFile] = []
    offset = 0
    for name, content in sorted(files):
        press = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        data = press.compress(content) + press.flush()
        members.append(PackedFile(name, zlib.crc32(content), len(data), len(content), offset))
        parts += [members[-1].local, data]
        offset = members[-1].end
    check_sizes("The leaderboard", members)
    listing = b"".join(member.central for member in members)
    return b"".join([*parts, listing, _end(len(members), len(listing), offset)])


def extract(archive: Path, folder: Path, accept: Callable[[list[str]], None]) -> None:
    """Unpack an archive into a folder; raise StoreError where it has another form or is damaged.

    `accept` is called with the names of all files when the first one, which is the board, is
    unpacked and nothing else is; it raises StoreError where the others do not belong to it.
    """
    try:
        with open_regular(archive) as file:
            members = _listed(archive, file)
            for place, member in enumerate(members):
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                file.seek(member.offset)
                if file.read(LOCAL.size + len(member.name)) != member.local:
                    raise _malformed(archive, f"two headers of {member.name} differ")
                with path.open("wb") as out:
                    for part in _inflated(archive, file, member):
                        out.write(part)
                if place == 0:
                    accept([each.name for each in members])
    except OSError as error:
        raise StoreError(f"{archive}: cannot be unpacked ({error.strerror})") from error


def _listed(archive: Path, file: BinaryIO) -> list[PackedFile]:
    """Return the members that the end of the archive lists, after a check of the whole form."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - END.size))
    tail = file.read(END.size)
    if len(tail) < END.size or not tail.startswith(b"PK\5\6"):
        raise StoreError(f"{archive}: damaged (it has no end); copy or download it again")
    _, _, _, _, count, length, start, _ = END.unpack(tail)
    if count > MEMBERS:
        raise StoreError(f"{archive}: it has {count:,} files, at most {MEMBERS:,} are read")
    if length > count * (CENTRAL.size + NAME_BYTES) or start + length + END.size != size:
        raise _malformed(archive, "its parts leave gaps, or its names are long")
    file.seek(start)
    listing = file.read(length)
    members = list(_parsed(archive, listing, count))
    check_sizes(str(archive), members)
    names = [member.name for member in members]
    places = [0, *(member.end for member in members)]
    if (
        listing != b"".join(member.central for member in members)
        or tail != _end(count, length, start)
        or [*(member.offset for member in members), start] != places
        or names != sorted(names)
    ):
        raise _malformed(archive, "a header, the order or a place is not as it is written here")
    return members


def _parsed(archive: Path, listing: bytes, count: int) -> Iterator[PackedFile]:
    """Yield what the list says of each member; its form is checked by the caller."""
    place = 0
    seen: set[str] = set()
    for _ in range(count):
        if place + CENTRAL.size > len(listing):
            raise _malformed(archive, "its list of files is cut short")
        values = CENTRAL.unpack_from(listing, place)
        crc, deflated, size, length = values[7:11]
        name = listing[place + CENTRAL.size :][:length].decode("utf-8", "backslashreplace")
        if not any(pattern.fullmatch(name) for pattern in (*DOCUMENTS, PREDICTIONS)):
            raise StoreError(f"{archive}: {name!r} is not part of a leaderboard")
        if name in seen:
            raise StoreError(f"{archive}: {name} is in it twice")
        seen.add(name)
        yield PackedFile(name, crc, deflated, size, values[16])
        place += CENTRAL.size + length + values[11] + values[12]


def check_sizes(place: str, members: Sequence[PackedFile]) -> None:
    """Raise StoreError where numbers or declared sizes are not those of a leaderboard."""
    if len(members) > MEMBERS:
        raise StoreError(f"{place}: it has {len(members):,} files, at most {MEMBERS:,} are read")
    total = 0
    for member in members:
        total += member.size
        most = PREDICTIONS_BYTES if PREDICTIONS.fullmatch(member.name) else DOCUMENT_BYTES
        shrunk = member.size > CHUNK and member.size > RATIO * max(member.deflated, 1)
        if member.size > most or total > TOTAL_BYTES or shrunk:
            raise StoreError(f"{place}: {member.name} is too large unpacked")


def _inflated(archive: Path, file: BinaryIO, member: PackedFile) -> Iterator[bytes]:
    """Yield the content of a member in pieces, never more than its declared size."""
    damaged = f"{archive}: damaged ({member.name}); copy or download it again"
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    left, size, crc = member.deflated, 0, 0
    while not inflate.eof:
        data = inflate.unconsumed_tail or file.read(min(CHUNK, left))
        left -= 0 if inflate.unconsumed_tail else len(data)
        try:
            part = inflate.decompress(data, CHUNK)
        except zlib.error as error:
            raise StoreError(damaged) from error
        size += len(part)
        crc = zlib.crc32(part, crc)
        if size > member.size or not (data or part or inflate.eof):
            raise StoreError(damaged)
        yield part
    if left or inflate.unused_data or (size, crc) != (member.size, member.crc):
        raise StoreError(damaged)


def _end(count: int, length: int, start: int) -> bytes:
    return END.pack(b"PK\5\6", 0, 0, count, count, length, start, 0)


def _malformed(archive: Path, fault: str) -> StoreError:
    return StoreError(
        f"{archive}: it is no archive that benchbench publishes ({fault}); publish it again"
    )
