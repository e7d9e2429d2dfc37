"""Faults at the k-th file operation below one folder, whoever asks for it: Python or pyarrow.

`faults` patches the functions of `os` alone. Here files that are opened by name are counted too,
with every read and write of them, and pyarrow is given such files.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

BY_PATH = (
    "open", "link", "replace", "rename", "unlink", "mkdir", "rmdir", "listdir", "scandir",
)  # fmt: skip
BY_DESCRIPTOR = ("write", "fsync", "close")
KILL, SHORT = "kill", "short"
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
FOR_EVER = " from then on"
KINDS = (KILL, SHORT, *ERRORS, *(error + FOR_EVER for error in ERRORS))
CREATE = "create"
"""What an `open` is called that makes a file."""
CHANGES = (CREATE, "write", "link", "replace", "rename", "unlink", "mkdir", "rmdir")
"""The operations that change a disk: killed between two of them, a process leaves one state."""
REMOVALS = ("unlink", "rmdir", "close", "listdir", "scandir", "read")
"""What a full disk never refuses."""
ROOT = str(Path(__file__).resolve().parents[2])


@dataclass
class Planted:
    """What happens at operation `at`, and the operations so far: (operation, who asked for it)."""

    under: str
    kind: str = ""
    at: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)
    descriptors: set[int] = field(default_factory=set)

    def happens(self, operation: str) -> bool:
        """Count an operation; kill, raise, or say whether it is to be cut short."""
        self.seen.append((operation, _asker()))
        number = len(self.seen)
        due = self.at and (number == self.at or (number > self.at and FOR_EVER in self.kind))
        if not due:
            return False
        if self.kind == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == SHORT:
            return operation == "write"
        name = self.kind.removesuffix(FOR_EVER)
        if name == "ENOSPC" and operation in REMOVALS:
            return False
        raise OSError(ERRORS[name], os.strerror(ERRORS[name]))

    def concerns(self, path) -> bool:
        """Say whether a path lies below the folder."""
        try:
            return str(Path(os.fspath(path)).absolute()).startswith(self.under)
        except TypeError:
            return isinstance(path, int) and path in self.descriptors


def _asker() -> str:
    """Return the nearest line of the project that asked for an operation, without the tests."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(ROOT) and "/tests/" not in name:
            return f"{name.removeprefix(ROOT + os.sep)}:{frame.f_lineno}"
        frame = frame.f_back
    return "elsewhere"


def _counted_file(planted: Planted):
    """Return a class of raw files whose reads and writes are counted."""

    class Counted(io.FileIO):
        whole = False  # whether a write must not be cut short: pyarrow does not look

        def write(self, data):
            if planted.happens("write") and not self.whole:
                data = memoryview(data)[: max(1, len(data) // 2)]
            return super().write(data)

        def readinto(self, buffer):
            planted.happens("read")
            return super().readinto(buffer)

        def readall(self):
            planted.happens("read")
            return super().readall()

        def close(self):
            counts = not self.closed and self.writable()  # to end a reading never fails
            super().close()
            if counts:
                planted.happens("close")

    return Counted


@contextmanager
def planting(planted: Planted):
    """Count the operations below the folder, and let the fault happen, until the block ends."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    real = {name: getattr(os, name) for name in (*BY_PATH, *BY_DESCRIPTOR)}
    places = [(os, name) for name in real]
    places += [(io, "open"), (builtins, "open"), (pa.ipc, "new_stream"), (pa, "OSFile"),
               (pq, "write_table"), (pq, "read_table")]  # fmt: skip
    kept = [(place, name, getattr(place, name)) for place, name in places]
    for name in BY_PATH:
        setattr(os, name, _by_path(planted, name, real[name]))
    for name in BY_DESCRIPTOR:
        setattr(os, name, _by_descriptor(planted, name, real[name]))
    opened = _opener(planted, io.open)
    io.open = builtins.open = opened
    _give_counted_files(planted, pa, pq, opened)
    try:
        yield planted
    finally:
        for place, name, function in kept:
            setattr(place, name, function)


def _by_path(planted, name, function):
    def call(*arguments, **options):
        asked = [*arguments[:2], options.get("dir_fd"), options.get("src_dir_fd")]
        if any(planted.concerns(path) for path in asked if path is not None):
            makes = name == "open" and arguments[1] & os.O_CREAT
            planted.happens(CREATE if makes else name)
            result = function(*arguments, **options)
            if name == "open":
                planted.descriptors.add(result)
            return result
        return function(*arguments, **options)

    return call


def _by_descriptor(planted, name, function):
    def call(descriptor, *arguments):
        if descriptor not in planted.descriptors:
            return function(descriptor, *arguments)
        if name == "close":  # the system closes it even where it complains
            planted.descriptors.discard(descriptor)
            function(descriptor)
            planted.happens(name)
            return None
        if planted.happens(name):
            arguments = (memoryview(arguments[0])[: max(1, len(arguments[0]) // 2)],)
        return None if name == "fsync" else function(descriptor, *arguments)  # no power is cut

    return call


def _opener(planted, function):
    counted = _counted_file(planted)

    def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **options):
        if isinstance(file, int) or options.get("opener") or not planted.concerns(file):
            return function(file, mode, buffering, encoding, errors, newline, **options)
        planted.happens("open" if mode.strip("bt") == "r" else CREATE)
        raw = counted(file, mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            raw.whole = True
            return raw
        writing = raw.writable()
        buffered = io.BufferedWriter(raw) if writing else io.BufferedReader(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding or "utf-8", errors, newline)

    return opened


def _give_counted_files(planted, pa, pq, opened):
    """Let pyarrow write to and read from counted files."""
    new_stream, os_file = pa.ipc.new_stream, pa.OSFile
    write_table, read_table = pq.write_table, pq.read_table

    def handed(path, mode):
        return opened(path, mode, 0) if planted.concerns(path) else path

    def parquet(table, where, **options):
        sink = handed(where, "wb")
        write_table(table, sink, **options)
        if sink is not where:
            sink.close()

    pa.ipc.new_stream = lambda sink, *more: new_stream(handed(sink, "wb"), *more)
    pa.OSFile = lambda path: handed(path, "rb") if planted.concerns(path) else os_file(path)
    pq.write_table = parquet
    pq.read_table = lambda path, **options: read_table(handed(path, "rb"), **options)
