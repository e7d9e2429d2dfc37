"""What the three ways to ask for GPUs make of the answers that they get."""

# ruff: noqa: N802 - the names are those of the library

from __future__ import annotations

import ctypes

import pytest

from benchbench.machine import gpu_queries
from benchbench.machine.gpu_queries import Gpu, NoAnswer, by_nvidia_smi, by_nvml, by_torch

CARDS = [("NVIDIA A100-SXM4-80GB", (8, 0), 81920, "GPU-a"), ("Tesla T4", (7, 5), 15360, "GPU-b")]


class Library:
    """A driver's library that knows two cards; `fails` names a function that returns an error."""

    def __init__(self, fails=""):
        self.fails, self.ended = fails, False

    def __getattr__(self, name):
        def call(*arguments):
            if name == self.fails:
                return 999
            return getattr(self, f"_{name}")(*arguments) or 0

        return call

    def _nvmlInit_v2(self):
        pass

    def _nvmlShutdown(self):
        self.ended = True

    def _nvmlDeviceGetCount_v2(self, count):
        count._obj.value = len(CARDS)

    def _nvmlDeviceGetHandleByIndex_v2(self, index, handle):
        handle._obj.value = index + 1

    def _nvmlDeviceGetHandleByUUID(self, uuid, handle):
        handle._obj.value = [card[3] for card in CARDS].index(uuid.decode()) + 1

    def _nvmlDeviceGetName(self, handle, buffer, size):
        buffer.value = CARDS[handle.value - 1][0].encode()

    def _nvmlDeviceGetUUID(self, handle, buffer, size):
        buffer.value = CARDS[handle.value - 1][3].encode()

    def _nvmlDeviceGetCudaComputeCapability(self, handle, major, minor):
        major._obj.value, minor._obj.value = CARDS[handle.value - 1][1]

    def _nvmlDeviceGetMemoryInfo(self, handle, memory):
        memory._obj.total = CARDS[handle.value - 1][2] << 20


@pytest.fixture
def library(monkeypatch):
    def made(fails=""):
        library = Library(fails)
        monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
        return library

    return made


def test_the_drivers_library_describes_every_card(library):
    made = library()
    assert by_nvml(()) == [Gpu(*card) for card in CARDS]
    assert made.ended


@pytest.mark.parametrize("visible", [("1",), ("GPU-b",)], ids=["index", "uuid"])
def test_it_describes_the_visible_ones_alone(library, visible):
    library()
    assert by_nvml(visible) == [Gpu(*CARDS[1])]


def test_memory_that_it_does_not_tell_is_left_out(library):
    library("nvmlDeviceGetMemoryInfo")
    assert [gpu.memory_mib for gpu in by_nvml(())] == [None, None]


@pytest.mark.parametrize("fails", ["nvmlInit_v2", "nvmlDeviceGetName"])
def test_an_error_of_the_library_is_no_answer(library, fails):
    library(fails)
    with pytest.raises(NoAnswer, match="NVML: error 999"):
        by_nvml(())


def test_a_library_that_lacks_a_function_is_no_answer(monkeypatch):
    class Old:
        def nvmlInit_v2(self):
            return 0

        def nvmlShutdown(self):
            return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Old())
    with pytest.raises(NoAnswer, match="NVML"):
        by_nvml(())


def test_a_library_that_names_no_card_is_no_answer(library, monkeypatch):
    library()
    monkeypatch.setitem(globals(), "CARDS", [])
    with pytest.raises(NoAnswer, match="names no GPU"):
        by_nvml(())


def test_a_library_that_is_not_there_is_no_answer(monkeypatch):
    monkeypatch.setattr(gpu_queries, "NVML", "libno-such-library.so.1")
    with pytest.raises(NoAnswer, match="NVML"):
        by_nvml(())


def program(folder, text, code=0):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def test_torch_is_asked_in_a_process_of_its_own(monkeypatch, tmp_path):
    answer = 'a warning\n[["NVIDIA L4", 8, 9, 22699, "1a2b"]]'
    monkeypatch.setattr(gpu_queries.sys, "executable", program(tmp_path, answer))
    assert by_torch(()) == [Gpu("NVIDIA L4", (8, 9), 22699, "GPU-1a2b")]


@pytest.mark.parametrize(("answer", "code"), [("", 0), ("no json", 0), ("[]", 1), ("[]", 0)])
def test_a_torch_that_fails_is_no_answer(monkeypatch, tmp_path, answer, code):
    monkeypatch.setattr(gpu_queries.sys, "executable", program(tmp_path, answer, code))
    with pytest.raises(NoAnswer, match="torch"):
        by_torch(())


def test_without_nvidia_smi_there_is_no_answer(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpu_queries, "WSL", tmp_path)
    with pytest.raises(NoAnswer, match="nvidia-smi"):
        by_nvidia_smi(())
