"""What `benchbench plan` says of SmolLM2 beside what is measured: peak memory and time.

    BENCHBENCH_MODELS=folder python tests/perf/plan_accuracy.py

Every case is a process of its own that trains, predicts validation and test, and notes its peak.
The rate of a matrix product is measured before. Run it on an idle machine: a time that others
share says nothing about the plan (10 minutes).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import our_training
import shared_data

from benchbench import Amount

SIZES = {"train": 128, "validation": 32, "test": 64}
DRAWN = 1000
"""The rows that those of training are taken from; they have every label."""
LISTED = {"label_list": "always"}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "head, banking77": ("banking77", "embedding-head", {}),
    "head, patents": ("patents", "embedding-head", {}),
    "head, banking77, DoRA": ("banking77", "embedding-head", {"adapter": "dora"}),
    "instruction, banking77": ("banking77", "instruction", {}),
    "instruction, banking77, labels listed": ("banking77", "instruction", LISTED),
    "instruction, patents": ("patents", "instruction", {}),
}
HEADER = """
| what | peak, MiB | planned | ratio | seconds | planned | ratio |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


def data_of(name: str, train: int) -> dict[str, Any]:
    """Return a few rows of a data set, first of all one of every label."""
    data = getattr(shared_data, name)(DRAWN, SIZES["test"])
    seen: Counter[int] = Counter()
    ranks = []
    for row in data["train"]:
        seen.update(row["labels"])
        ranks.append(min(seen[label] for label in row["labels"]))
    order = sorted(range(len(ranks)), key=ranks.__getitem__)[:train]
    few = data["validation"][: SIZES["validation"]]
    return data | {"train": [data["train"][at] for at in order], "validation": few}


def measured(settings: dict[str, Any]) -> dict[str, Any]:
    """Train and predict in this process; return its peak in MiB, its seconds and its plan."""
    import torch
    import transformers  # noqa: F401  # a cell's process has it before its peak is noted

    from benchbench.catalog.lookup import load_catalog
    from benchbench.machine import PeakMemory

    torch.set_num_threads(settings["threads"])
    method = load_catalog().method(settings["method"])
    with tempfile.TemporaryDirectory() as folder:
        corpus = our_training.corpus_of(Path(settings["data"]), Path(folder))
        task = our_training.task_of(settings, corpus)
        texts = [*corpus.train["text"], *corpus.validation["text"], *corpus.test["text"]]
        read = [*corpus.validation["text"], *corpus.test["text"]]
        peak, start = PeakMemory(), time.perf_counter()
        classifier = method.fit(task)
        trained = time.perf_counter() - start
        if settings["predict"]:
            classifier.predict_logits(read)
        spent = time.perf_counter() - start
        plan = planned(method, task, settings, texts, corpus)
    found = {"peak": peak.peaks()["peak_ram_mib"], "seconds": spent, "trained": trained}
    return found | plan | {"listed": classifier.facts.get("label_listed")}


def planned(
    method: Any, task: Any, settings: dict[str, Any], texts: Iterable[str], corpus: Any
) -> dict[str, Any]:
    """Return what a plan says of the task. What follows a reload is left out here and there."""
    from benchbench_backbones.shapes import SHAPES

    from benchbench.machine import find_device
    from benchbench.planning import estimate as plan
    from benchbench.planning.label_sizes import label_sizes
    from benchbench.planning.matrix_speed import matrix_rates, rate_for

    shape = SHAPES["smollm2-135m-instruct"]
    sizes = {name: len(getattr(corpus, name)) for name in ("train", "validation", "test")}
    lengths = list(map(len, texts))
    amount = Amount(
        corpus.kind, sizes, sum(lengths) / len(lengths), len(corpus.labels), max(lengths),
        *label_sizes(corpus.labels.texts),
    )  # fmt: skip
    rate = rate_for(shape.width, matrix_rates(find_device("cpu"), settings["threads"]))
    machine = plan.Machine("cpu", "float32", rate)
    plan.PROBED = 0  # nothing is reloaded here
    work = method.workload(task.params, amount)
    said = plan.estimate(shape, work, amount, "nf4", machine)
    seconds = said.seconds * (1 if settings["predict"] else said.training_share)
    return {"planned_peak": said.memory_mib, "planned_seconds": seconds, "rate": rate,
            "work": str(work), "amount": str(amount)}  # fmt: skip


def line(name: str, found: dict[str, Any]) -> str:
    """Return a row of the table."""
    memory, time_ratio = (found[f"planned_{what}"] / found[what] for what in ("peak", "seconds"))
    return (
        f"| {name} | {found['peak']:,.0f} | {found['planned_peak']:,.0f} | {memory:.2f} "
        f"| {found['seconds']:.1f} | {found['planned_seconds']:.1f} | {time_ratio:.2f} |"
    )


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--documents", type=int, default=SIZES["train"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--training-only", action="store_true")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE")
    parser.add_argument("--verbose", action="store_true", help="also print what was planned from")
    arguments = parser.parse_args()
    more = dict(setting.split("=", 1) for setting in arguments.set)
    models = arguments.model or Path(os.environ["BENCHBENCH_MODELS"]) / "smollm2-135m-instruct"
    print(HEADER, flush=True)
    with tempfile.TemporaryDirectory() as name:
        for case in arguments.case or CASES:
            data, method, params = CASES[case]
            path = shared_data.write(data_of(data, arguments.documents), Path(name) / "data.json")
            settings = {
                "data": path, "method": method, "params": {"epochs": 1, **params, **more},
                "model": str(models), "device": "cpu", "seed": 0, "threads": arguments.threads,
                "predict": not arguments.training_only,
            }  # fmt: skip
            command = [sys.executable, __file__, "--settings", json.dumps(settings)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(line(case, found), flush=True)
            if arguments.verbose:
                print(found["rate"], found["work"], found["amount"], flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--settings"]:
        print(json.dumps(measured(json.loads(sys.argv[2]))))
    else:
        main()
