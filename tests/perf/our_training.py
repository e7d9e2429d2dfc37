"""One training of ours in a process of its own, as the peers' scripts have it.

Takes its settings as JSON; the last line it prints is the result.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from peak import peak_mb

from benchbench import BoundBackbone, Corpus, Task
from benchbench.catalog.lookup import load_catalog
from benchbench.contract.parameters import resolve
from benchbench.kit.data import Document, build_corpus


def timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """Return the function; how long each call takes is added to `seconds`."""

    def call(*arguments: Any) -> Any:
        start = time.perf_counter()
        result = function(*arguments)
        seconds.append(time.perf_counter() - start)
        return result

    return call


def main(settings: dict[str, Any]) -> None:
    """Train, or take a peer's adapter or none; predict the test documents, print."""
    import torch

    torch.set_num_threads(settings["threads"])
    method = load_catalog().method(settings["method"])
    module, trained = sys.modules[type(method).__module__], list[float]()
    validated: list[float] = []
    train = module.train  # type: ignore[attr-defined]

    def train_timed(training: Any, *arguments: Any) -> Any:
        validate = timed(training.validate, validated)
        return train(replace(training, validate=validate), *arguments)

    module.train = timed(train_timed, trained)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        corpus = corpus_of(Path(settings["data"]), Path(folder))
        task = task_of(settings, corpus)
        rate = matrix_rate()
        if "adapter" in settings:
            classifier = with_adapter(settings["adapter"], task)
        else:
            classifier = method.fit(task)
        peak = peak_mb(settings["device"])
        texts = list(corpus.validation["text"]) + list(corpus.test["text"])
        start = time.perf_counter()
        logits = classifier.predict_logits(texts)
        predicted = time.perf_counter() - start
    seconds = sum(trained) - sum(validated)  # the peers train without validating
    result = {
        "train_seconds": seconds,
        "predict_seconds": predicted,
        "logits": logits.round(4).tolist(),
        "peak_mb": peak,
        "matrix_share": operations(classifier, task) / seconds / rate if trained else None,
    }
    print(json.dumps(result))


def matrix_rate() -> float:
    """Return the floating-point operations per second of a large product in float32, the best."""
    import torch

    size, seconds = 2048, []
    one = torch.randn(size, size)
    for _ in range(8):
        start = time.perf_counter()
        one @ one
        seconds.append(time.perf_counter() - start)
    return 2.0 * size**3 / min(seconds)


def operations(classifier: Any, task: Task) -> float:
    """Return the operations of a training by the model's shape: 4 per weight and real token.

    Forward takes 2, the gradient of the input 2; the weights are frozen. What all prompts begin
    with counts once per step.
    """
    texts = list(task.train["text"])
    if hasattr(classifier, "embedder"):
        loaded = classifier.embedder.loaded
        tokens = sum(map(len, classifier.embedder.tokenize(texts)[0]))
    else:
        loaded = classifier.loaded
        prompts, _ = classifier.encode(texts)
        head = len(classifier.answer_format.prompt.head)
        tokens = sum(map(len, prompts)) - head * (len(prompts) - classifier.facts["steps"])
    weights = sum(
        layer.in_features * layer.out_features
        for layer in loaded.model.modules()
        if hasattr(layer, "lora_A")
    )
    return 4.0 * weights * tokens * task.params["epochs"]


def task_of(settings: dict[str, Any], corpus: Corpus) -> Task:
    """Return what the method is given, with the backbone that the settings name."""
    catalog = load_catalog()
    reference = catalog.backbone_reference(settings["model"])
    backbone = BoundBackbone(
        catalog.backbone(reference.use),
        catalog.resolved("backbone", reference),
        settings["device"],
        "bfloat16" if settings["device"] == "cuda" else "float32",
    )
    return task_with(settings, corpus, backbone)


def task_with(settings: dict[str, Any], corpus: Corpus, backbone: BoundBackbone) -> Task:
    """Return what the method is given; a few documents to validate on, for steps are compared."""
    method = load_catalog().method(settings["method"])
    values, faults = resolve(method.name, method.parameters, settings["params"])
    assert not faults, faults
    few = corpus.validation.select(range(32))
    seed = settings["seed"]
    return Task(corpus.kind, corpus.labels, corpus.train, few, backbone, seed, values)


def with_adapter(folder: str | None, task: Task) -> Any:
    """Return the instruction method's classifier with a peer's adapter, or as it would start."""
    from benchbench_finetune.prompted_classifier import gold_labels, prompt_model
    from safetensors.torch import load_file

    from benchbench.kit.training import adapter_tensors, attach

    assert task.backbone is not None
    loaded = task.backbone.load()
    attach(loaded.model, task.params, task.seed)
    if folder is not None:
        tensors = load_file(Path(folder) / "adapter_model.safetensors")
        for name, parameter in adapter_tensors(loaded.model).items():
            parameter.data.copy_(tensors[f"base_model.model.{name}"])
    return prompt_model(task, loaded, gold_labels(task.train, len(task.labels)))


def corpus_of(path: Path, folder: Path) -> Corpus:
    """Return the data as a corpus."""
    data = json.loads(path.read_text(encoding="utf-8"))
    names = data["labels"]
    rows = {
        name: [
            Document(
                f"{name}-{number}", row["text"], tuple(names[label] for label in row["labels"])
            )
            for number, row in enumerate(data[name])
        ]
        for name in ("train", "validation", "test")
    }
    return build_corpus(folder, data["kind"], rows)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
