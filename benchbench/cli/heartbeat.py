"""A clock beside the work: it calls a function now and then, whatever the work is at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchbench.leaderboard import duration

EVERY_SECONDS = 30.0
"""The seconds after which something that has not ended says that it is still at work."""
TICK_SECONDS = 0.5


@contextmanager
def ticking(tick: Callable[[], object], seconds: float = TICK_SECONDS) -> Iterator[None]:
    """Call `tick` every few seconds from a thread, until the block ends.

    An exception in `tick` ends the calls, and the thread's traceback says why.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds):
            tick()

    thread = threading.Thread(target=beat, name="benchbench-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class StillAtWork:
    """Prints lines, and the last of them again with the time that has passed, every 30 seconds."""

    def __init__(
        self,
        say: Callable[[str], object],
        doing: str,
        clock: Callable[[], float] = time.monotonic,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._say, self._clock, self._every = say, clock, every
        self._doing = doing
        self._since = self._last = clock()

    def say(self, line: str) -> None:
        """Print what the work is at now."""
        self._doing = line.removesuffix(" ...")
        self._since = self._last = self._clock()
        self._say(line)

    def tick(self) -> None:
        """Print a line if it is time for one."""
        now = self._clock()
        if now - self._last >= self._every:
            self._last = now
            self._say(f"{self._doing}: still at it, {duration(now - self._since)}")


@contextmanager
def still_at_work(say: Callable[[str], object], doing: str) -> Iterator[Callable[[str], None]]:
    """Give a function that prints what is being done; `doing` is what that is at first."""
    work = StillAtWork(say, doing)
    with ticking(work.tick):
        yield work.say
