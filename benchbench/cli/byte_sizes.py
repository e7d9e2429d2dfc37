"""Sizes of files and folders, as people read them."""

from __future__ import annotations

UNITS = ("KiB", "MiB", "GiB")


def size_text(size: int) -> str:
    """Return a number of bytes in the largest unit of which there is at least one.

    >>> size_text(0), size_text(900), size_text(3 << 20), size_text(5000 << 30)
    ('0 KiB', '0.9 KiB', '3.0 MiB', '5,000.0 GiB')
    """
    if not size:
        return "0 KiB"
    value = size / 2**10
    for unit in UNITS[:-1]:
        if value < 1000:
            return f"{value:,.1f} {unit}"
        value /= 2**10
    return f"{value:,.1f} {UNITS[-1]}"
