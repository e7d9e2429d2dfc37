"""A folder as pieces of a tar archive, small enough for Ray's object store, and back."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PIECE_BYTES = 32 * 2**20


def pack(folder: Path) -> Iterator[bytes]:
    """Yield the files of a folder as a tar archive, in pieces. Empty folders are left out.

    The archive is a temporary file, so that memory does not grow with the folder's size.
    """
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w", dereference=True) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def unpack(pieces: Iterable[bytes], folder: Path) -> None:
    """Write what `pack` yielded under `folder`.

    Raises tarfile.TarError for anything but a plain file under `folder`: the sender may decide
    results, but must not reach the rest of this machine.
    """
    with tempfile.TemporaryFile() as file:
        for piece in pieces:
            file.write(piece)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as archive:
            archive.extractall(folder, filter=_plain_files)


def _plain_files(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    if not member.isreg():
        raise tarfile.TarError(f"'{member.name}' is not a plain file")
    if Path(member.name).is_absolute():
        raise tarfile.TarError(f"'{member.name}' is an absolute path")
    return tarfile.data_filter(member, folder)
