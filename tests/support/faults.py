"""Faults of the disk, planted at the k-th call that changes or opens anything."""

from __future__ import annotations

import errno
import os
import signal
from contextlib import contextmanager

CALLS = (
    "open", "write", "fsync", "close", "link", "replace", "rename", "unlink", "mkdir", "rmdir"
)  # fmt: skip


class Count:
    """Counts the calls, and does what it is told at the k-th (and, if persistent, after it)."""

    def __init__(self, at=0, persistent=False):
        self.at, self.persistent, self.names = at, persistent, []

    def __call__(self, name):
        self.names.append(name)
        number = len(self.names)
        return number == self.at or (self.persistent and self.at and number > self.at)


def _kill(name, arguments):
    os.kill(os.getpid(), signal.SIGKILL)


def _refuse(number):
    def refuse(name, arguments):
        raise OSError(number, os.strerror(number))

    return refuse


def refuse_links(monkeypatch, number=errno.EPERM):
    """Behave as a disk that knows no hard links."""

    def link(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


@contextmanager
def watched(count, fault):
    """Run `fault` where `count` says so, for every one of the calls."""
    real = {name: getattr(os, name) for name in CALLS}

    def wrap(name):
        def call(*arguments, **options):
            if name == "open" and arguments[1] & os.O_NONBLOCK:
                return real[name](*arguments, **options)  # to read: it changes nothing
            due = count(name)
            if due and name == "close":
                real["close"](*arguments)  # the system closes it even where it complains
            if due:
                fault(name, arguments)
            return real[name](*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, wrap(name))
    try:
        yield count
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def counted():
    """Only count the calls."""
    return watched(Count(), _refuse(errno.EIO))


def failing(at, number, persistent=False):
    """Let the k-th call fail with an errno, and all later ones too where persistent."""
    return watched(Count(at, persistent), _refuse(number))


def killed_at(at, action):
    """Run `action` in a child that kills itself at the k-th call; say whether it got that far."""
    child = os.fork()
    if child == 0:
        try:
            with watched(Count(at), _kill):
                action()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
