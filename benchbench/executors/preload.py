"""Imported once by the fork server, so that a cell starts with its heavy imports done.

BENCHBENCH_PRELOAD names the modules. Where a GPU is visible, peft and bitsandbytes are not
among them: importing them initialises CUDA, and a process forked after that cannot use it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os

VARIABLE = "BENCHBENCH_PRELOAD"


def preload() -> None:
    """Import what the environment names; what it prints meanwhile is of no use to the user."""
    logging.disable(logging.CRITICAL)
    for name in filter(None, os.environ.get(VARIABLE, "").split(",")):
        with contextlib.suppress(Exception):  # whoever needs it meets the same, and tells it
            importlib.import_module(name)
    logging.disable(logging.NOTSET)
    # what was imported never goes: children need not search it for garbage, nor copy its pages
    gc.collect()
    gc.freeze()


preload()
