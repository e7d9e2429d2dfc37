"""The fork server imports this module once, so that cells start with heavy imports done.

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
    """Import the modules that the environment names, without their log messages.

    The server ends with the suite, also between two imports.
    """
    suite = os.getppid()
    logging.disable(logging.CRITICAL)
    for name in filter(None, os.environ.get(VARIABLE, "").split(",")):
        if os.getppid() != suite:
            os._exit(0)
        with contextlib.suppress(Exception):  # a cell that needs it reports the error
            importlib.import_module(name)
    if "transformers" in sys.modules:
        _compile_patterns()
    _compute_digests()
    logging.disable(logging.NOTSET)
    # imports are never freed: children need not search them for garbage or copy their pages
    gc.collect()
    gc.freeze()


def _compile_patterns() -> None:
    """Let transformers compile its patterns for names of weights, once and not in every cell."""
    with contextlib.suppress(Exception):  # older versions have no such patterns
        from transformers.conversion_mapping import get_checkpoint_conversion_mapping

        get_checkpoint_conversion_mapping("llama")


def _compute_digests() -> None:
    """Compute what the keys of cached results need, once and not in every cell."""
    from benchbench.machine import execution_digest, package_versions

    execution_digest()
    package_versions()


preload()
