"""A toy task of three topics, and a tiny model that can be prompted for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.models import bind_model, write_model

TOPICS = {
    "engines": "engine gear wheel brake",
    "lenses": "light lens camera image",
    "pumps": "pump valve water pressure",
}


def documents(count: int, seed: int, multi: bool) -> tuple[Any, dict[str, list[Any]]]:
    """Return the label space, and the columns of documents whose words tell their topics."""
    import random

    from benchbench import LabelSpace

    random = random.Random(seed)
    names = tuple(sorted(TOPICS))
    texts, labels = [], []
    for _ in range(count):
        size = random.choice([1, 1, 2]) if multi else 1
        topics = sorted(random.sample(range(3), size))
        words = [random.choice(TOPICS[names[topic]].split()) for topic in topics for _ in range(4)]
        texts.append(" ".join(random.sample(words, len(words))))
        labels.append(topics)
    columns = {
        "id": [str(number) for number in range(count)],
        "text": texts,
        "labels": labels,
        "main": [topics[0] for topics in labels],
        "group": [""] * count,
        "weight": [1.0] * count,
    }
    return LabelSpace(names), columns


def prompted_task(
    folder: Path,
    method: Any,
    *,
    multi: bool = False,
    seed: int = 0,
    backbone: Any = None,
    train: int = 96,
    **params: Any,
) -> Any:
    """Return a Task over `documents`; `params` are parameters of the method."""
    import datasets

    from benchbench import Task
    from benchbench.contract import resolve

    labels, columns = documents(train, 1, multi)
    _, held_out = documents(48, 2, multi)
    values, faults = resolve(method.name, method.parameters, params)
    assert not faults
    return Task(
        kind="multi-label" if multi else "single-label",
        labels=labels,
        train=datasets.Dataset.from_dict(columns),
        validation=datasets.Dataset.from_dict(held_out),
        backbone=bind_model(folder) if backbone is None else backbone,
        seed=seed,
        params=values,
    )


def write_prompted_model(folder: Path) -> Path:
    """Write a tiny random causal LM whose tokenizer knows the topics and the prompts."""
    texts = [*TOPICS, *TOPICS.values(), *documents(50, 3, True)[1]["text"]] * 4
    texts += ["Read the text and name the one category that it belongs to. Yes or no yes no"] * 4
    write_model(folder, texts, context=512)
    _sharpen(folder / "model.safetensors")
    return folder


def prompt_of(tokenizer: Any, labels: Any, format_name: str, context: int, **settings: Any) -> Any:
    """Return the PromptFormat of a name; `settings` are further ones of PromptSettings."""
    from benchbench_finetune.prompt_format import PromptSettings, prompt_format

    settings = {"document_tokens": 64} | settings
    return prompt_format(tokenizer, labels, PromptSettings(format_name, **settings), context)


def _sharpen(weights: Path) -> None:
    """Let the output head speak as firmly as a pretrained one: logits up to 20 and not 3."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    tensors["lm_head.weight"] *= 6
    save_file(tensors, weights, metadata={"format": "pt"})
