"""Durable writes. Every change that the core makes to a disk goes through this file.

The promise: a name that can be seen holds all its bytes, and what was acknowledged survives a
power cut. Nothing rests on a lock, or on the order in which two processes arrive.
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

from benchbench.contract import StoreError

TEMPORARY = ".benchbench-tmp-"
STALE_FILE_SECONDS = 3600.0
STALE_FOLDER_SECONDS = 7 * 24 * 3600.0
"""A file is written in moments; a folder may belong to a cell that trains for days."""
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def write_new(path: Path, data: bytes) -> bool:
    """Write `path` if nobody has; return whether this call's bytes are the ones that stand."""
    temporary = _temporary(path)
    _write(temporary, data)
    return _publish(temporary, path)


def replace(path: Path, data: bytes) -> None:
    """Write `path` whole, whatever stood there before."""
    temporary = _temporary(path)
    _write(temporary, data)
    with _told(path), _swept(temporary):
        os.replace(temporary, path)
        sync_folder(path.parent)


def publish_file(source: Path, path: Path) -> None:
    """Give a finished file of the same disk its final name, which its content decides.

    Whoever comes last replaces the same bytes by the same bytes, and heals what a disk spoilt.
    """
    with _told(path):
        _sync_file(source)
        os.replace(source, path)
        sync_folder(path.parent)


def publish_folder(source: Path, path: Path) -> bool:
    """Give a finished folder of the same disk its final name; return False if it was there."""
    with _told(path):
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


def make_folder(path: Path) -> Path:
    """Create a folder and its parents; raise StoreError in one line where that cannot be."""
    if path.is_symlink():
        raise StoreError(f"{path} is a symbolic link; name the folder that it points to instead.")
    try:
        new = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for folder in new:
            sync_folder(folder.parent)
    except OSError as error:
        raise StoreError(f"Folder {path} cannot be created: {error.strerror}.") from error
    return path


def set_aside(path: Path) -> Path:
    """Rename a corrupt file to `.bad` (`.bad-2`, ...) so that it hides nothing; return that."""
    for number in range(1, 1000):
        bad = path.with_name(path.name + (".bad" if number == 1 else f".bad-{number}"))
        if not bad.exists():
            with _told(bad):
                os.replace(path, bad)
                sync_folder(path.parent)
            return bad
    raise StoreError(f"{path} has been found corrupt a thousand times; look at that disk.")


def check_writable(folder: Path) -> None:
    """Prove before any training that the store takes a durable write; raise StoreError."""
    probe = folder / f"{TEMPORARY}probe-{uuid.uuid4().hex}"
    with _swept(probe):
        write_new(probe, b"probe\n")


def sweep(root: Path) -> None:
    """Remove temporaries of ours that a crash left behind long ago."""
    for folder, folders, files in os.walk(root):
        for name in [name for name in folders if name.startswith(TEMPORARY)]:
            folders.remove(name)  # what is inside is of no concern
            if _age(Path(folder, name)) > STALE_FOLDER_SECONDS:
                remove_folder(Path(folder, name))
        for name in files:
            if name.startswith(TEMPORARY) and _age(Path(folder, name)) > STALE_FILE_SECONDS:
                with suppress(OSError):  # another process was faster
                    os.unlink(Path(folder, name))


def _age(path: Path) -> float:
    """Return the seconds since something last changed, 0 where it is gone by now."""
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def scratch_folder(parent: Path) -> Path:
    """Create a folder of its own for one job, on the disk that will keep its files."""
    return make_folder(parent / f"{TEMPORARY}{uuid.uuid4().hex}")


def remove_folder(path: Path) -> None:
    """Remove a scratch folder and all in it."""
    shutil.rmtree(path, ignore_errors=True)


def sync_folder(path: Path) -> None:
    """Make a folder's names survive a power cut, where the system can do that."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the system refuses into one line."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}. Nothing was left half written; "
            "make room or mend it and run again."
        ) from error


@contextmanager
def _swept(temporary: Path) -> Iterator[None]:
    """Remove a temporary in the end, whatever became of it."""
    try:
        yield
    finally:
        with suppress(OSError):  # the sweep of a later run will find it
            os.unlink(temporary)


def _write(temporary: Path, data: bytes) -> None:
    """Write all bytes and sync them. A short write is not an error to the system: hence a loop."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with _told(temporary.parent):
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
    """Link a whole temporary to its final name: the first writer wins."""
    with _told(path):
        with _swept(temporary):
            ours = _link(temporary, path)
        sync_folder(path.parent)
    return ours


def _link(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)
        return True
    except FileExistsError:
        # over NFS a link can succeed and its answer be lost: then both names are one file
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
