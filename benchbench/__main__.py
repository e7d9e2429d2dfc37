"""`python -m benchbench` is `benchbench`. The command starts here, so that it can be stopped early.

Importing takes a part of a second, and a library that is stopped there prints a traceback. So
until the command line is there, a stop ends the process at once.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

STOPPED = b"benchbench: stopped. Finished cells are kept; run again to go on.\n"


def main() -> None:
    """Run the command line and end the process with its exit code."""
    _stop_at_once()
    from benchbench.cli import main as command_line

    try:
        command_line()
    finally:
        _stop_at_once()  # while Python tidies up, an exception would be printed


def _stop_at_once() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as for a command in the background
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, STOPPED)
    os._exit(128 + number)


if __name__ == "__main__":
    main()
