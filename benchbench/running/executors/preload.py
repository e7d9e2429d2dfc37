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
import sys

VARIABLE = "BENCHBENCH_PRELOAD"


def preload() -> None:
    """Import what the environment names; what it prints meanwhile is of no use to the user."""
    logging.disable(logging.CRITICAL)
    for name in filter(None, os.environ.get(VARIABLE, "").split(",")):
        with contextlib.suppress(Exception):  # whoever needs it meets the same, and tells it
            importlib.import_module(name)
    if "transformers" in sys.modules:
        _compile_patterns()
    logging.disable(logging.NOTSET)
    # what was imported never goes: children need not search it for garbage, nor copy its pages
    gc.collect()
    gc.freeze()


def _compile_patterns() -> None:
    """Let transformers compile what it renames weights by: else every cell's first load does."""
    with contextlib.suppress(Exception):  # an older one has no such patterns
        from transformers.conversion_mapping import get_checkpoint_conversion_mapping

        get_checkpoint_conversion_mapping("llama")


preload()
