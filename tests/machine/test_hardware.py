"""Which device a run uses, found out without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchbench import BenchbenchError
from benchbench.machine import gpu_queries, hardware
from benchbench.machine.hardware import Device, dtype_for, find_device, processor_name


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ((7, 0), "float16"),
        ((7, 5), "float16"),
        ((8, 0), "bfloat16"),
        ((8, 9), "bfloat16"),
        ((9, 0), "bfloat16"),
        ((12, 0), "bfloat16"),
    ],
)
def test_bfloat16_is_used_only_where_the_hardware_has_it(capability, dtype):
    assert dtype_for(capability) == dtype


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    """Make this look like a machine with a GPU; return a function that sets nvidia-smi's answer."""
    hardware._described.cache_clear()
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(gpu_queries, "NVML", str(tmp_path / "no-library"))
    monkeypatch.setattr(gpu_queries.sys, "executable", "/bin/false")
    monkeypatch.setattr(hardware, "torch_has_cuda", lambda: True)
    monkeypatch.setattr(hardware, "DEVICES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def answer(text, code=0):
        hardware._described.cache_clear()
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\necho '{text}'\nexit {code}\n")
        tool.chmod(0o755)
        return tmp_path / "asked"

    yield answer
    hardware._described.cache_clear()


def test_a_gpu_is_described_by_its_driver(gpu):
    gpu("NVIDIA H200, 9.0, 143771, GPU-1")
    assert find_device() == Device("cuda", "NVIDIA H200", "bfloat16", 143771)


def test_an_older_gpu_computes_in_float16(gpu):
    gpu("Tesla T4, 7.5, 15360, GPU-1")
    assert find_device("cuda").dtype == "float16"


def test_a_comma_in_a_gpus_name_is_part_of_it(gpu):
    gpu("Model A, special, 8.6, 24000, GPU-1")
    assert find_device().name == "Model A, special"


def test_memory_that_the_driver_does_not_tell_is_left_out(gpu):
    gpu("NVIDIA H200, 9.0, [N/A], [N/A]")
    assert find_device() == Device("cuda", "NVIDIA H200", "bfloat16", None)


def test_the_visible_gpus_are_asked_for(gpu, monkeypatch):
    asked = gpu("NVIDIA H200, 9.0, 143771, GPU-1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    find_device()
    assert asked.read_text().split()[-2:] == ["-i", "3,1"]


@pytest.mark.parametrize("hidden", ["", "-1", "NoDevFiles"])
def test_a_gpu_that_is_hidden_is_not_used(gpu, monkeypatch, hidden):
    gpu("NVIDIA H200, 9.0, 143771, GPU-1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert find_device().kind == "cpu"


def test_cpu_is_used_where_it_is_asked_for(gpu):
    gpu("NVIDIA H200, 9.0, 143771, GPU-1")
    device = find_device("cpu")
    assert device == Device("cpu", processor_name(), "float32", device.memory_mib)
    assert device.memory_mib is None or device.memory_mib > 256


@pytest.mark.parametrize(
    ("text", "code"),
    [("", 0), ("No devices were found", 9), ("name, [N/A], 1, GPU-1", 0)],
    ids=["silent", "failing", "no-capability"],
)
def test_a_driver_that_does_not_answer_is_told_with_the_way_out(gpu, text, code):
    gpu(text, code)
    with pytest.raises(BenchbenchError, match="use --device cpu") as caught:
        find_device("cuda")
    assert "\n" not in str(caught.value)
    with pytest.warns(UserWarning, match="nothing describes it .*nvidia-smi.*The CPU is used"):
        assert find_device().kind == "cpu"


def test_wsl_has_one_device_for_any_gpu(gpu, tmp_path, monkeypatch):
    gpu("NVIDIA GeForce RTX 4090, 8.9, 24564, GPU-1")
    (tmp_path / "nvidia0").unlink()
    assert find_device().kind == "cpu"
    (tmp_path / "dxg").touch()
    assert find_device().kind == "cpu"  # it also stands for GPUs of other makers
    monkeypatch.setattr(hardware, "WSL", tmp_path)
    (tmp_path / hardware.NVML).touch()
    assert find_device().name == "NVIDIA GeForce RTX 4090"


def test_a_gpu_that_is_not_described_costs_no_other(gpu):
    gpu("NVIDIA H100, 9.0, 81559, GPU-1\nOld card, [N/A], [N/A], GPU-2")
    assert [one.name for one in hardware.visible_gpus()] == ["NVIDIA H100"]


def test_gpus_that_nothing_describes_are_not_spread_over(gpu):
    gpu("no", 9)
    assert hardware.usable_gpus() == []


def test_the_gpus_are_asked_for_once(gpu, tmp_path):
    gpu("NVIDIA L4, 8.9, 23034, GPU-1")
    expected = hardware.visible_gpus()
    (tmp_path / "nvidia-smi").unlink()
    assert hardware.visible_gpus() == expected


def test_all_visible_gpus_are_found(gpu):
    gpu("NVIDIA L4, 8.9, 23034, GPU-1\nNVIDIA L4, 8.9, 23034, GPU-2")
    assert [one.uuid for one in hardware.visible_gpus()] == ["GPU-1", "GPU-2"]


def test_without_a_gpu_the_cpu_is_used_and_cuda_refused(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert find_device().kind == "cpu"
    with pytest.raises(BenchbenchError, match="--device cuda: no usable GPU"):
        find_device("cuda")


@pytest.mark.parametrize(
    ("version", "built"),
    [
        pytest.param("cuda: Optional[str] = None\n", False, id="cpu"),
        pytest.param("cuda: Optional[str] = '12.8'\n", True, id="cuda"),
        pytest.param("__version__ = '2.0'\ncuda = '12.8'\n", True, id="cuda-without-annotation"),
        pytest.param("hip: Optional[str] = '6.0'\ncuda: str | None = None\n", False, id="rocm"),
    ],
)
def test_what_torch_was_built_for_is_read_without_importing_it(tmp_path, version, built):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "torch" / "version.py").write_text(version)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from benchbench.machine.hardware import torch_has_cuda\nprint(torch_has_cuda())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == str(built), answer.stderr


def test_the_processor_has_a_name():
    assert processor_name()
