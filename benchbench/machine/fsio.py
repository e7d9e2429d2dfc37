"""Durable writes. Every change that the core makes to a disk goes through this file.

The promise: a file that can be seen is complete, and a write that has returned survives a power
cut. This needs no lock, and holds in whatever order processes arrive.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from benchbench.contract import StoreError

TEMPORARY = ".benchbench-tmp-"
STALE_FILE_SECONDS = 3600.0
STALE_FOLDER_SECONDS = 7 * 24 * 3600.0
"""The age at which a temporary was left behind: a file takes moments, but a cell may own a folder
for days."""
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""The errors of file systems that have no hard links."""


def write_new(path: Path, data: bytes) -> bool:
    """Write `path` unless it exists; return whether this call wrote it."""
    temporary = _temporary(path)
    _write(temporary, data)
    return _publish(temporary, path)


def replace(path: Path, data: bytes) -> None:
    """Write `path` as a whole, in place of any file that is there."""
    temporary = _temporary(path)
    _write(temporary, data)
    with store_errors(path), _removed_at_the_end(temporary):
        os.replace(temporary, path)
        sync_folder(path.parent)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write, which takes the place of `path` when the block has ended well."""
    temporary = _temporary(path)
    with store_errors(path), _removed_at_the_end(temporary):
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)


@contextmanager
def appending(path: Path) -> Iterator[BinaryIO]:
    """Give a file to append to, in which each write stands at once; raise StoreError."""
    try:
        file = path.open("ab", buffering=0)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {reason_of(error)}.") from error
    with file:
        yield file


def publish_file(source: Path, path: Path) -> None:
    """Give a finished file of the same disk its final name, which follows from its content.

    Two processes write the same bytes, so the last one wins; it also mends a damaged file.
    """
    with store_errors(path):
        _sync_file(source)
        os.replace(source, path)
        sync_folder(path.parent)


def publish_folder(source: Path, path: Path) -> bool:
    """Give a finished folder of the same disk its final name; return False if that exists."""
    with store_errors(path):
        for file in sorted(source.rglob("*")):
            if file.is_file():
                _sync_file(file)
            else:
                sync_folder(file)
        sync_folder(source)
        try:
            os.rename(source, path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            remove_folder(source)
            return False
        sync_folder(path.parent)
        return True


def make_folder(path: Path, mode: int = 0o777) -> Path:
    """Create a folder and its parents; raise StoreError where that fails.

    `mode` is that of the folder itself, less what the user's umask takes away.
    """
    try:
        if path.is_symlink():
            raise StoreError(
                f"{path} is a symbolic link; name the folder that it points to instead."
            )
        new = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(mode, parents=True, exist_ok=True)
        for folder in new:
            sync_folder(folder.parent)
    except OSError as error:
        raise StoreError(f"Folder {path} cannot be created: {reason_of(error)}.") from error
    return path


def set_aside(path: Path) -> Path:
    """Rename a corrupt file to `.bad` (`.bad-2`, ...), so that it hides no other; return that."""
    for number in range(1, 1000):
        bad = path.with_name(path.name + (".bad" if number == 1 else f".bad-{number}"))
        if not bad.exists():
            with store_errors(bad):
                os.replace(path, bad)
                sync_folder(path.parent)
            return bad
    raise StoreError(f"{path} was found corrupt a thousand times; check that disk.")


def check_writable(folder: Path) -> None:
    """Write and remove a file, before any work is done; raise StoreError where that fails."""
    probe = folder / f"{TEMPORARY}probe-{uuid.uuid4().hex}"
    with _removed_at_the_end(probe):
        write_new(probe, b"probe\n")


def sweep(root: Path) -> None:
    """Remove the temporaries that a crash left behind long ago."""
    for folder, folders, files in os.walk(root):
        for name in [name for name in folders if name.startswith(TEMPORARY)]:
            folders.remove(name)  # so that os.walk does not enter it
            if _age(Path(folder, name)) > STALE_FOLDER_SECONDS:
                remove_folder(Path(folder, name))
        for name in files:
            if name.startswith(TEMPORARY) and _age(Path(folder, name)) > STALE_FILE_SECONDS:
                with suppress(OSError):  # another process was faster
                    os.unlink(Path(folder, name))


def _age(path: Path) -> float:
    """Return the seconds since a path last changed, 0 where it is gone by now."""
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def scratch_folder(parent: Path) -> Path:
    """Create a new folder for one job, on the disk that will keep its files."""
    return make_folder(parent / f"{TEMPORARY}{uuid.uuid4().hex}")


def remove_folder(path: Path) -> None:
    """Remove a scratch folder with all its files."""
    shutil.rmtree(path, ignore_errors=True)


def remove_file(path: Path) -> None:
    """Remove a file, if it exists and the system lets it."""
    with suppress(OSError):
        os.unlink(path)


def remove_empty_folder(path: Path) -> None:
    """Remove a folder, if it exists and nothing is in it."""
    with suppress(OSError):
        os.rmdir(path)


def reason_of(error: OSError) -> str:
    """Return what the system refused, in its words; pyarrow adds words of its own."""
    return os.strerror(error.errno) if error.errno else " ".join(str(error).split())


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can do that."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn an error of the system into a StoreError of one line that names `path`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {reason_of(error)}. No file was left half written; "
            "free space or repair the disk, and run again."
        ) from error


@contextmanager
def _removed_at_the_end(temporary: Path) -> Iterator[None]:
    """Remove a temporary at the end of the block, if it still exists."""
    try:
        yield
    finally:
        with suppress(OSError):  # the sweep of a later run will find it
            os.unlink(temporary)


def _write(temporary: Path, data: bytes) -> None:
    """Write all bytes and sync them, in a loop: the system may write fewer than it was given."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with store_errors(temporary.parent):
        descriptor = os.open(temporary, flags, 0o644)
        try:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            raise


def _publish(temporary: Path, path: Path) -> bool:
    """Link a complete temporary to its final name: the first writer wins."""
    with store_errors(path):
        with _removed_at_the_end(temporary):
            ours = _link(temporary, path)
        sync_folder(path.parent)
    return ours


def _link(temporary: Path, path: Path) -> bool:
    """Give a temporary its final name; return False where another process was first."""
    try:
        os.link(temporary, path)
        return True
    except FileExistsError:
        # over NFS a link may succeed and its answer be lost: then both names are one file
        return os.stat(temporary).st_nlink == 2
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
    try:
        claim = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    try:
        os.close(claim)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(path)  # an empty file must not stand for a record
        raise
    return True


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
