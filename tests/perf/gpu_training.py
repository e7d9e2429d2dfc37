"""Print what both trainings cost on a GPU, on the true shapes of Llama 3.2 1B and Llama 3.1 8B.

Run it: python tests/perf/gpu_training.py --tokenizer FOLDER [--minutes 7] [--out FOLDER]

The weights are random and made on the card, in NF4; the documents are generated, with lengths
spread as real ones are; the tokenizer is Llama's. First, small models check that a card gives the
numbers of a CPU. Every measurement prints its line at once. One that fails says why in its line,
and one for which the time is short is left out. With --device cpu --shapes tiny it runs anywhere,
which says nothing of a GPU and shows that the script works.

Without a network: BENCHBENCH_PEERS=here takes Trainer and SFTTrainer from this interpreter.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
import shared_data  # noqa: E402
from gpu_checks import CHECKS  # noqa: E402
from peers.environment import SHARED, python_of, run  # noqa: E402

LLAMA = {"vocab_size": 128256, "head_dim": 64, "num_attention_heads": 32,
         "num_key_value_heads": 8, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
         "bos_token_id": 128000, "eos_token_id": 128001, "pad_token_id": None}  # fmt: skip
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "llama-3.2-1b": {**LLAMA, "hidden_size": 2048, "intermediate_size": 8192,
                     "num_hidden_layers": 16, "tie_word_embeddings": True},
    "llama-3.1-8b": {**LLAMA, "hidden_size": 4096, "intermediate_size": 14336,
                     "num_hidden_layers": 32, "head_dim": 128},
    "tiny": {**LLAMA, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16},
}  # fmt: skip
LABELS = tuple(f"category {number:02}" for number in range(77))
FEW = 32
"""Labels of the documents that are predicted: even the smallest training has them all."""
COMMON = "the of a method for use in wherein said first second layer signal device"
LONGEST = 1024
MEDIAN = 220
Variants = Mapping[str, tuple[str, Mapping[str, Any]]]
METHODS: Variants = {
    "head": ("embedding-head", {}),
    "instruction": ("instruction", {"label_list": "never"}),
    "instruction, 77 labels listed": ("instruction", {"label_list": "always"}),
}
SWITCHES: Variants = {
    "head, checkpointed": ("embedding-head", {"gradient_checkpointing": True}),
    "head, not checkpointed": ("embedding-head", {"gradient_checkpointing": False}),
    "head, adapters as peft has them": ("embedding-head", {"fused": False}),
    "instruction, 77 listed for each": (
        "instruction", {"label_list": "always", "shared_beginning": False}
    ),
}  # fmt: skip
PEERS = {"embedding-head": ("trainer", []), "instruction": ("trl", ["trl"])}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one training cost; rates per second, memory in MiB, None where not measured."""

    what: str
    documents: float | None = None
    tokens: float | None = None
    share: float | None = None
    peak: float | None = None
    planned: float | None = None
    predicted: float | None = None
    failed: str = ""

    @property
    def line(self) -> str:
        """A row of the table."""
        if self.failed:
            return f"| {self.what} | {self.failed} |"
        rest = (self.tokens, self.peak, self.planned, self.predicted)
        shown = ["–" if value is None else f"{value:,.1f}" for value in (self.documents, *rest)]
        share = "–" if self.share is None else f"{self.share:.1%}"
        return f"| {self.what} | {' | '.join([*shown, share])} |"


HEADER = """
| what | documents/s | tokens/s | peak, MiB | planned, MiB | predicted, documents/s | share of the matrix rate |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""  # noqa: E501


def documents(count: int) -> dict[str, Any]:
    """Return rows of common words; their lengths are log-normal, cut at LONGEST."""
    random = np.random.default_rng(0)
    words = COMMON.split()

    def rows(count: int, labels: int = len(LABELS)) -> list[dict[str, Any]]:
        lengths = np.minimum(random.lognormal(np.log(MEDIAN), 0.8, count), LONGEST).astype(int)
        return [
            {
                "text": " ".join(random.choice(words, max(1, length))),
                "labels": [number % labels],
            }
            for number, length in enumerate(lengths)
        ]

    return {"kind": "single-label", "labels": list(LABELS), "train": rows(count),
            "validation": rows(32, FEW), "test": rows(96, FEW)}  # fmt: skip


@contextmanager
def counted_waits(device: str) -> Iterator[Counter[str]]:
    """Count the lines of code at which the CPU waits for a card; nothing is counted elsewhere."""
    import torch

    found: Counter[str] = Counter()
    with warnings.catch_warnings(record=True) as seen:
        if device != "cuda":
            yield found
            return
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode("default")
            for one in seen:
                if "synchronizing" in str(one.message):
                    found[f"{'/'.join(Path(one.filename).parts[-2:])}:{one.lineno}"] += 1


def told(waits: Counter[str], steps: int) -> str:
    """Say how often a training waited, and at which lines most."""
    most = ", ".join(f"{line} {count}" for line, count in waits.most_common(6))
    return f"the CPU waited {waits.total()} times in {steps} steps, loading included: {most}"


def matrix_rate(device: str) -> float:
    """Return the FLOP/s of a large product in bfloat16, the best of some."""
    import torch

    size = 8192 if device == "cuda" else 512
    one = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    best = 0.0
    for _ in range(10):
        start = time.perf_counter()
        one @ one
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def memory_mib() -> int:
    """Return the memory of the card in MiB."""
    import torch

    return int(torch.cuda.get_device_properties(0).total_memory // 2**20)


def layer_weights(shape: str) -> int:
    """Return how many weights the layers' matrices have."""
    values = SHAPES[shape]
    width, inner, heads = values["hidden_size"], values["intermediate_size"], values["head_dim"]
    attention = width * heads * 2 * (values["num_attention_heads"] + values["num_key_value_heads"])
    return int(values["num_hidden_layers"] * (attention + 3 * width * inner))


class Built:
    """A backbone of random weights that is made on the device each time it is loaded."""

    name, kind, family, description, parameters = "built", "causal-lm", "llama", "", ()

    def __init__(self, shape: str, tokenizer: Path) -> None:
        self.config, self.tokenizer = SHAPES[shape], tokenizer

    def identity(self, params: Any, *, offline: bool) -> str:
        """Return a name: nothing is stored of it."""
        return "built"

    def load(self, params: Any, *, device: str, dtype: str) -> Any:
        """Return the model in NF4 with facts as a loaded one has them."""
        import torch
        from benchbench_backbones import loading
        from benchbench_backbones.pad_token import choose_pad
        from benchbench_backbones.quantization import quantize_loaded
        from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

        from benchbench import LoadedModel

        torch.manual_seed(0)
        torch.set_default_dtype(getattr(torch, dtype))
        try:
            with torch.device(device):
                model = LlamaForCausalLM(LlamaConfig(**self.config))
        finally:
            torch.set_default_dtype(torch.float32)
        quantize_loaded(model, "nf4", dtype, device)
        loading._keep_cpu_weights(model, device)
        model.config.use_cache = False
        model.eval()
        tokenizer = AutoTokenizer.from_pretrained(self.tokenizer)
        target = loading.Target("nf4", device, dtype)
        embeddings = model.get_input_embeddings().num_embeddings
        facts = {**loading._facts(model, target), **choose_pad(tokenizer, embeddings)}
        return LoadedModel(model, tokenizer, {**facts, "kind": "causal-lm", "stored_as": None})


class Bench:
    """The measurements, their time and what was found."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.arguments, self.folder = arguments, folder
        self.end = time.monotonic() + 60 * arguments.minutes
        self.found: list[Cost] = []
        self.data = documents(arguments.documents)
        self.path = shared_data.write(self.data, folder / "data.json")
        self.rate = matrix_rate(arguments.device)
        self.memory = memory_mib() if arguments.device == "cuda" else None

    def measure(self, what: str, seconds: float, work: Callable[[], Cost]) -> None:
        """Do a measurement if it fits into the time that is left; print its line."""
        if time.monotonic() + seconds > self.end:
            cost = Cost(what, failed="left out: no time")
        else:
            try:
                cost = work()
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                cost = Cost(what, failed=reason[:1500])
        self.found.append(replace(cost, what=what))
        print(self.found[-1].line, flush=True)
        self.free()

    def free(self) -> None:
        """Give the memory of the last measurement back."""
        import torch

        gc.collect()
        if self.arguments.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def ours(
        self, shape: str, method: str, count: int, *, watched: bool = False, **params: Any
    ) -> Cost:
        """Return what a training of ours costs on the first `count` documents.

        If it is `watched`, the times at which the CPU waits for the card are counted, and nothing
        is timed: counting takes longer than the training.
        """
        import our_training

        from benchbench import BoundBackbone
        from benchbench.catalog.lookup import load_catalog

        device = self.arguments.device
        data = {**self.data, "train": self.data["train"][:count]}
        path = Path(shared_data.write(data, self.folder / "some.json"))
        with tempfile.TemporaryDirectory() as name:
            corpus = our_training.corpus_of(path, Path(name))
            settings = {"method": method, "params": self.budget() | params, "seed": 0,
                        "model": str(self.folder), "device": device}  # fmt: skip
            backbone = BoundBackbone(
                Built(shape, self.arguments.tokenizer), {}, device,
                "bfloat16" if device == "cuda" else "float32",
            )  # fmt: skip
            task = our_training.task_with(settings, corpus, backbone)
            plugin = load_catalog().method(method)
            module, spent = sys.modules[type(plugin).__module__], list[float]()
            usual = module.train
            module.train = our_training.timed(usual, spent)
            try:
                with counted_waits(device if watched else "") as seen:
                    classifier = plugin.fit(task)
            finally:
                module.train = usual
            peak = our_training.peak_mb(device)
            if watched:
                return Cost("", failed=f"{told(seen, classifier.facts['steps'])}")
            texts = list(corpus.test["text"])
            classifier.predict_logits(texts[:8])
            start = time.perf_counter()
            classifier.predict_logits(texts)
            predicted = len(texts) / (time.perf_counter() - start)
        tokens = sum(len(row["text"].split()) for row in data["train"])
        return Cost(
            "", count / spent[0], tokens / spent[0],
            4.0 * layer_weights(shape) * tokens / spent[0] / self.rate, peak,
            self.planned(shape, plugin, task.params, corpus), predicted,
        )  # fmt: skip

    def profile(self, shape: str, folder: Path) -> Cost:
        """Write what the operations of some steps cost into a folder."""
        from torch.profiler import ProfilerActivity, profile

        kinds = [ProfilerActivity.CPU]
        kinds += [ProfilerActivity.CUDA] if self.arguments.device == "cuda" else []
        with profile(activities=kinds) as found:
            self.ours(shape, "embedding-head", 96)
        averages, device = found.key_averages(), self.arguments.device
        for kind in dict.fromkeys(("cpu", device)):
            order = "self_cpu_time_total" if kind == "cpu" else "self_device_time_total"
            told = averages.table(sort_by=order, row_limit=30)
            (folder / f"profile_{kind}.txt").write_text(told)
        return Cost("", failed=f"is in {folder}")

    def budget(self) -> dict[str, Any]:
        """Return the parameters of ours."""
        return {"epochs": 1, "batch_size": self.arguments.batch_size, "rank": 16, "alpha": 32.0,
                "dropout": 0.05, "learning_rate": 2e-4, "document_tokens": LONGEST,
                "eval_batch_size": 16, "patience": 0}  # fmt: skip

    def planned(self, shape: str, plugin: Any, params: Any, corpus: Any) -> float:
        """Return the peak memory in MiB that `benchbench plan` expects."""
        from benchbench import Amount
        from benchbench.kit.model_shape import shape_of
        from benchbench.planning.estimate import Machine, memory_bytes

        device = self.arguments.device
        sizes = {name: len(getattr(corpus, name)) for name in ("train", "validation", "test")}
        characters = float(np.mean([len(text) for text in corpus.train["text"]]))
        work = plugin.workload(params, Amount("single-label", sizes, characters, len(LABELS)))
        machine = Machine(device, "bfloat16" if device == "cuda" else "float32", 1.0, self.memory)
        shape_found = shape_of(SHAPES[shape], "causal-lm")
        assert shape_found is not None
        return memory_bytes(shape_found, work, "nf4", machine) / 2**20

    def peer(self, shape: str, method: str, model: Path, count: int) -> Cost:
        """Return what Trainer or SFTTrainer costs with the same budget."""
        from training_speed import conversations

        peer, requirements = PEERS[method]
        data = {**self.data, "train": self.data["train"][:count]}
        asked = conversations(data, model, LONGEST, LONGEST + 256) if peer == "trl" else data
        script = HERE / "peers" / ("trl_sft.py" if peer == "trl" else "hf_trainer.py")
        budget = self.budget()
        settings = {
            **budget, "model": str(model), "folder": str(self.folder / "out"), "seed": 0,
            "data": shared_data.write(asked, self.folder / "asked.json"), "warmup": 4,
            "device": self.arguments.device, "max_length": LONGEST + 64,
        }  # fmt: skip
        found = run(python_of(peer, requirements), script, settings)
        tokens = sum(len(row["text"].split()) for row in data["train"])
        share = 4.0 * layer_weights(shape) * tokens / found["train_seconds"] / self.rate
        spent = found["train_seconds"]
        return Cost("", count / spent, tokens / spent, share, found["peak_mb"])

    def write_model(self, shape: str) -> Path:
        """Write a model of random weights in bfloat16, with its tokenizer, for the peers."""
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        folder = self.folder / shape
        folder.mkdir()
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(self.arguments.tokenizer / file, folder / file)
        torch.set_default_dtype(torch.bfloat16)
        with torch.device(self.arguments.device):
            LlamaForCausalLM(LlamaConfig(**SHAPES[shape])).save_pretrained(folder)
        torch.set_default_dtype(torch.float32)
        return folder


def smoke(folder: Path, device: str) -> Cost:
    """Run the smoke grid on the device, end to end."""
    environment = os.environ | {"BENCHBENCH_CACHE": str(folder / "cache")}
    from benchbench.records import all_records, open_store

    command = [sys.executable, "-m", "benchbench", "run", "--grid", "smoke", "--device", device]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--store", str(folder / "runs"), "--quiet"], env=environment, check=False,
        capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    spent = time.perf_counter() - start
    if done.returncode:
        reasons = [
            f"{record.cell.title}: {record.reason}"
            for record in all_records(open_store(folder / "runs"))
            if record.status != "ok"
        ]
        raise RuntimeError(f"exit code {done.returncode}: {'; '.join(reasons) or done.stderr}")
    return Cost("", failed=f"passed in {spent:.0f} s")


def main() -> None:
    """Measure, print the table, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", default="llama-3.2-1b,llama-3.1-8b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tokenizer", type=Path, default=SHARED / "tokenizers" / "llama3.1")
    parser.add_argument("--documents", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--smoke", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(arguments, Path(name))
        print(f"A bfloat16 matrix product: {bench.rate / 1e12:.1f} TFLOP/s.", flush=True)
        for check, work in CHECKS.items():
            bench.measure(check, 5, lambda work=work: Cost("", failed=work(arguments.device)))
        if arguments.smoke:
            bench.measure("smoke grid", 90, lambda: smoke(bench.folder, arguments.device))
        print(HEADER, flush=True)
        shapes = arguments.shapes.split(",")
        for method in PEERS:  # these warm the card up, too
            work = lambda method=method: bench.ours(shapes[0], method, 96, watched=True)  # noqa: E731
            bench.measure(f"waits, {method}", 20, work)
        if arguments.out:
            bench.measure("profile", 20, lambda: bench.profile(shapes[0], arguments.out))
        for shape in shapes:
            ours(bench, shape, METHODS)
        if arguments.peers:
            peers(bench, shapes[0])
        for shape in shapes:
            ours(bench, shape, SWITCHES)
        if arguments.out:
            numbers = {"rate": bench.rate, "found": [asdict(cost) for cost in bench.found]}
            (arguments.out / "gpu.json").write_text(json.dumps(numbers, indent=1))


def ours(bench: Bench, shape: str, variants: Variants) -> None:
    """Measure trainings of ours on one shape."""
    count = bench.arguments.documents // (4 if "8b" in shape else 1)
    for name, (method, params) in variants.items():
        work = lambda method=method, params=params: bench.ours(shape, method, count, **params)  # noqa: E731
        bench.measure(f"{shape}, {name}", 30, work)


def peers(bench: Bench, shape: str) -> None:
    """Measure Trainer and SFTTrainer on one shape."""
    model = bench.write_model(shape)
    bench.free()
    for method, (peer, _) in PEERS.items():
        work = lambda method=method: bench.peer(shape, method, model, bench.arguments.documents)  # noqa: E731
        bench.measure(f"{shape}, {peer}", 50, work)


if __name__ == "__main__":
    main()
