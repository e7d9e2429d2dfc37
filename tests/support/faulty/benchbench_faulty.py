"""A plugin whose one method goes wrong in every way it is told to, and a watcher that notes."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchbench import Diverged, Parameter, Reference, Skip, hookimpl

FAULTS = (
    "none", "ValueError", "SystemExit", "GeneratorExit", "MemoryError", "exit", "segfault",
    "killed", "skip", "diverged", "nan", "shape", "dtype", "few", "save nothing", "save half",
    "predict", "save", "hang", "secret", "facts", "told", "loud", "chdir", "daemon",
)  # fmt: skip


class Constant:
    hard = False

    def __init__(self, fault, labels, value):
        self.fault, self.labels, self.value = fault, labels, value
        self.facts = {"trainable_parameters": np.nan if fault == "facts" else 1}

    def predict_logits(self, texts):
        if self.fault == "predict":
            raise RuntimeError("predict went wrong")
        logits = np.full((len(texts), self.labels), self.value, dtype=np.float32)
        logits[:, 0] += [len(text) % 7 for text in texts]
        if self.fault == "nan":
            logits[0, 0] = np.nan
        if self.fault == "dtype":
            return logits.astype(np.float64)
        if self.fault == "few":
            return logits[1:]
        return logits[:, 1:] if self.fault == "shape" else logits

    def save(self, folder):
        if self.fault == "save":
            raise RuntimeError("save went wrong")
        if self.fault != "save nothing":
            value = self.value + (1.0 if self.fault == "save half" else 0.0)
            np.save(folder / "constant.npy", np.array([self.labels, value]))


class Faulty:
    name = "faulty"
    description = "Goes wrong as it is told"
    parameters = (
        Parameter("fault", str, "none", "how", choices=FAULTS),
        Parameter("marker", str, "", "file to add a line to when training has begun"),
        Parameter("seconds", float, 0.0, "how long training takes", minimum=0),
    )
    kinds = ("single-label", "multi-label")
    backbone_kinds = ()
    seeded = True

    def fit(self, task):
        fault = task.params["fault"]
        if task.params["marker"]:
            with Path(task.params["marker"]).open("a") as file:
                file.write(f"{os.getpid()}\n")
        for step in range(10):
            task.report(step + 1, 10, {"loss": 1.0 / (step + 1)})
            time.sleep(task.params["seconds"] / 10)
        if fault == "told":
            tell_everything(task.params["marker"])
        go_wrong(fault)
        return Constant(fault, len(task.labels), float(task.seed))

    def load(self, folder, backbone):
        labels, value = np.load(folder / "constant.npy")
        return Constant("none", int(labels), float(value))


class Unloadable(Faulty):
    name = "unloadable"
    description = "Saves well and does not load"

    def load(self, folder, backbone):
        raise RuntimeError("load went wrong")


class Student(Faulty):
    name = "student"
    description = "Learns from what the faulty method left"

    def requires(self, cell):
        return [replace(cell, method=Reference("faulty", "teacher", {}))]

    def fit(self, task):
        (folder,) = task.upstream.values()
        return Faulty().load(folder, None)


def tell_everything(marker):
    """Raise an exception with all that a record must not tell."""
    told = [
        os.environ["HTTPS_PROXY"], os.environ["HF_TOKEN"], os.environ["USER"], Path.home(),
        Path.cwd(), socket.gethostname(), marker, __file__, f"file://{marker}",
        "https://me:canary-password@example.org/x?token=canary-query", f"'{marker} and more/x'",
    ]  # fmt: skip
    try:
        raise OSError(2, "No such file", marker)
    except OSError as error:
        raise RuntimeError(f"{' , '.join(map(str, told))} {told}") from error


def go_wrong(fault):
    errors = {"ValueError": ValueError, "SystemExit": SystemExit, "GeneratorExit": GeneratorExit}
    if fault in errors:
        raise errors[fault]("as it was told")
    if fault == "MemoryError":
        raise MemoryError
    if fault == "exit":
        os._exit(3)
    if fault == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "skip":
        raise Skip("there is no such thing here")
    if fault == "diverged":
        raise Diverged("the loss of step 6 is nan")
    if fault == "secret":
        raise RuntimeError(f"401 for {os.environ['HF_TOKEN']}")
    if fault == "loud":
        raise ValueError("first\nsecond\x1b[2J " + "x" * 5_000_000 + " last")
    if fault == "chdir":
        os.chdir("/")
    if fault in ("hang", "daemon"):  # the child leaves the session, too
        ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
        child = subprocess.Popen([sys.executable, "-c", ignore], start_new_session=True)
        Path(os.environ["FAULTY_GRANDCHILD"]).write_text(str(child.pid))
    if fault == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)


@hookimpl
def benchbench_methods():
    return [Faulty(), Unloadable(), Student()]


@hookimpl
def benchbench_cell_finished(record):
    notes = os.environ.get("FAULTY_NOTES")
    if notes:
        resident = Path("/proc/self/statm").read_text().split()[1]
        with Path(notes).open("a") as file:
            file.write(f"{record.status} {resident}\n")
    if os.environ.get("FAULTY_WATCHER"):
        raise RuntimeError("the watcher went wrong")
