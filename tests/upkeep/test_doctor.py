"""What the examination says of versions, GPUs, disk, memory and the hub; each fault is planted."""

from __future__ import annotations

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from benchbench.upkeep.device_checks import TorchAnswer, check_four_bits, check_gpus
from benchbench.upkeep.examination import check_plugins
from benchbench.upkeep.surroundings_checks import check_disk, check_hub, check_memory
from benchbench.upkeep.trial_cell import check_cell
from benchbench.upkeep.version_checks import NAMED, check_version, check_versions
from tests.support.building import install


def test_the_versions_that_are_tested_are_in_order():
    lines = list(check_versions())
    assert {line.about for line in lines} == {"benchbench", "Python", *NAMED}
    assert {line.level for line in lines} == {"ok"}


def distribution(folder, **metadata):
    info = folder / "asking-1.0.dist-info"
    info.mkdir()
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in metadata.items())
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: asking\nVersion: 1.0\n{lines}")


def test_a_package_that_is_too_old_or_missing_is_a_fault_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    distribution(tmp_path, Requires_Python=">=99", Requires_Dist="pluggy>=99")
    own, python, pluggy = check_versions("asking")
    assert (own.found, python.level) == ("1.0", "fault")
    assert (pluggy.level, pluggy.about) == ("fault", "pluggy")
    assert "pip install 'pluggy>=99'" in pluggy.remedy
    missing = check_version("no-such-package", ">=1")
    assert (missing.level, missing.found) == ("fault", "it is not installed, needed is >=1")


def test_extras_that_nobody_asked_for_are_not_missed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    distribution(tmp_path, Provides_Extra="more", Requires_Dist='absent; extra == "more"')
    assert [line.level for line in check_versions("asking")] == ["ok", "ok"]


CARD = ("NVIDIA H100, 80 GiB",)
GPUS = {
    "none": ((), "", TorchAnswer(), "ok", "CPU"),
    "used": (CARD, "570.1", TorchAnswer("12.8", True, CARD), "ok", "driver 570.1; torch is built"),
    "no-cuda": (CARD, "570.1", TorchAnswer(), "warning", "built without CUDA"),
    "old-driver": (CARD, "390.1", TorchAnswer("12.8"), "fault", "cannot use it"),
    "driver-alone": ((), "570.1", TorchAnswer("12.8"), "fault", "an NVIDIA driver is there"),
}


@pytest.mark.parametrize("name", GPUS)
def test_a_gpu_is_used_or_it_is_said_why_not(name):
    found, version, torch, level, words = GPUS[name]
    (line,) = check_gpus(found, version, torch)
    assert line.level == level
    assert words in line.found
    assert bool(line.remedy) == (level != "ok")


def test_four_bits_are_right_wrong_or_not_there():
    assert check_four_bits(TorchAnswer(error=0.1)).level == "ok"
    assert "wrong values" in check_four_bits(TorchAnswer(error=3.0)).found
    assert check_four_bits(TorchAnswer(error=float("nan"))).level == "fault"
    assert "no kernel" in check_four_bits(TorchAnswer(fault="no kernel")).found


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_its_parent(tmp_path):
    line = check_disk("store", tmp_path / "a" / "b")
    assert f"GiB free in {tmp_path}" in line.found


def test_a_folder_that_cannot_be_written_to_is_a_fault(tmp_path):
    (tmp_path / "file").write_text("")
    assert check_disk("store", tmp_path / "file" / "store").level == "fault"
    assert check_disk("store", tmp_path / "file").level == "fault"


def test_little_memory_is_a_warning(tmp_path):
    for kib, level in ((100_000, "warning"), (16_000_000, "ok")):
        (tmp_path / "m").write_text(f"MemTotal:  16000000 kB\nMemAvailable:   {kib} kB\n")
        (line,) = check_memory(tmp_path / "m")
        assert line.level == level
    assert list(check_memory(tmp_path / "none")) == []


@pytest.mark.parametrize(("code", "level"), [(200, "ok"), (403, "ok"), (503, "warning")])
def test_a_hub_that_answers_can_be_reached(code, level):
    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(code)
            self.end_headers()

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.handle_request, daemon=True).start()
    line = check_hub(f"http://127.0.0.1:{server.server_port}", 30.0)
    server.server_close()
    assert line.level == level


def test_a_hub_that_is_not_there_is_a_warning_in_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        line = check_hub(f"http://127.0.0.1:{taken.getsockname()[1]}", 5.0)
    assert line.level == "warning"
    assert "cannot be reached" in line.found and "\n" not in line.found
    assert check_hub("no address").level == "warning"


def test_a_plugin_that_does_not_load_is_a_fault_that_names_it(tmp_path, monkeypatch):
    home = install(tmp_path, "broken_one", "raise RuntimeError('no luck')\n")
    monkeypatch.syspath_prepend(str(home))
    line = check_plugins()
    assert line.level == "fault"
    assert "broken_one" in line.found and "no luck" in line.found
    assert "BENCHBENCH_DISABLE_PLUGINS=broken_one" in line.remedy
    monkeypatch.setenv("BENCHBENCH_DISABLE_PLUGINS", "broken_one")
    assert check_plugins().level == "ok"


def test_a_cell_that_cannot_run_is_a_fault_with_what_it_said():
    line = check_cell({**os.environ, "BENCHBENCH_DISABLE_PLUGINS": "demo"})
    assert line.level == "fault"
    assert "Unknown dataset 'demo-claims'" in line.found
    assert "benchbench run --dataset demo-claims" in line.remedy
