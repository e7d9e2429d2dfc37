"""The fork server: what it imports, and that it does not touch a GPU."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchbench.running.executors import local, preload
from benchbench.running.executors.local import TOUCHES_CUDA, modules_to_preload


def import_all(modules: tuple[str, ...], then: str) -> None:
    program = f"import benchbench.running.executors.preload, sys\n{then}"
    variables = {preload.VARIABLE: ",".join(modules), "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, **variables})


def test_with_a_gpu_nothing_that_initialises_cuda_is_imported_before_the_fork():
    modules = modules_to_preload("cuda", backbone=True, plugins=("benchbench_finetune",))
    assert not {*TOUCHES_CUDA, "benchbench_finetune"} & set(modules)
    import_all(
        modules,
        "import torch\n"
        "assert not torch.cuda.is_initialized()\n"
        f"imported = {set(TOUCHES_CUDA)!r} & set(sys.modules)\n"
        "assert not imported, imported\n",
    )


def test_without_a_gpu_the_heavy_imports_are_done_and_exempt_from_garbage_collection():
    import_all(
        modules_to_preload("cpu", backbone=True, plugins=("benchbench_finetune", "no_such")),
        "import gc\n"
        "from transformers import conversion_mapping\n"
        "assert conversion_mapping._checkpoint_conversion_mapping_cache is not None\n"
        "missing = {'torch', 'transformers.models.llama.modeling_llama', 'peft', 'bitsandbytes',\n"
        "           'datasets', 'sklearn.metrics', 'benchbench.running.cell_process',\n"
        "           'benchbench_finetune.instruction'} - set(sys.modules)\n"
        "assert not missing, missing\n"
        "assert gc.get_freeze_count() > 100_000\n",
    )


@pytest.mark.gpu
def test_a_forked_process_can_use_the_gpu_after_the_imports():
    import_all(
        modules_to_preload("cuda", backbone=True),
        "import os, torch\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    total = float(torch.ones(8, device='cuda').sum())\n"
        "    os._exit(0 if total == 8 else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n",
    )


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [(3, 3, "interrupted"), (3, 4, "oom"), (None, 4, "oom"), (3, None, "oom")],
)
def test_what_was_killed_for_lack_of_memory_is_told_from_what_somebody_killed(
    monkeypatch, before, after, status
):
    monkeypatch.setattr(local, "out_of_memory_kills", lambda: after)
    assert local._killed(before)[0] == status
