"""Pretrain the miniature backbones: `python -m benchbench_demo.pretrain [NAME ...] --to FOLDER`.

It uses one thread and one seed, so that a machine writes the same bytes every time. The
`card.json` in each folder records the recipe, the last loss and the sha256 of the weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench_demo.architectures import ARCHITECTURES, Architecture
from benchbench_demo.pretraining_text import documents
from benchbench_demo.tokenizing import build_tokenizer

if TYPE_CHECKING:
    from torch import Tensor

NOT_A_WORD = -100
"""The target of a position whose token is not predicted, as transformers' losses mark it."""
MASKED = 0.15
"""The share of tokens that a masked LM must restore (Devlin et al., 2019)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to pretrain a miniature; `block` tokens per sequence, `batch` sequences per step."""

    seed: int = 0
    documents: int = 30_000
    steps: int = 1_500
    batch: int = 16
    block: int = 256
    learning_rate: float = 3e-3
    warmup: int = 50
    weight_decay: float = 0.05


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(ARCHITECTURES)))
@click.option("--to", "folder", type=click.Path(path_type=Path), required=True)
@click.option("--steps", type=click.IntRange(min=1), default=Recipe().steps, show_default=True)
def main(names: tuple[str, ...], folder: Path, steps: int) -> None:
    """Pretrain the miniatures NAMES (default: all) into folders under --to."""
    recipe = Recipe(steps=steps)
    for name in names or sorted(ARCHITECTURES):
        for step, loss in pretrain(ARCHITECTURES[name], recipe, folder / name):
            if step % 50 == 0 or step == steps:
                click.echo(f"{name}: step {step} of {steps}, loss {loss:.4f}")


def pretrain(
    architecture: Architecture, recipe: Recipe, folder: Path
) -> Iterator[tuple[int, float]]:
    """Train a model from random weights and save it; yield (step, mean of the last 50 losses)."""
    import torch
    import transformers

    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    transformers.logging.set_verbosity_error()
    texts = list(documents(recipe.documents))
    tokenizer = build_tokenizer(architecture, texts)
    model = architecture.build(tokenizer)
    blocks = _blocks(tokenizer, texts, recipe)
    optimizer, schedule = _optimizer(model, recipe)
    recent: list[float] = []
    model.train()
    for step in range(1, recipe.steps + 1):
        rows = torch.randint(len(blocks), (recipe.batch,))
        inputs, targets = _task(architecture, tokenizer, blocks[rows])
        loss = model(input_ids=inputs, labels=targets).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        recent = [*recent[-49:], loss.item()]
        yield step, sum(recent) / len(recent)
    _save(model, tokenizer, folder)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    _write_card(architecture.name, parameters, recipe, folder, sum(recent) / len(recent))


def _optimizer(model: Any, recipe: Recipe) -> tuple[Any, Any]:
    """Return AdamW and its cosine schedule with warm-up."""
    import torch
    import transformers

    optimizer = torch.optim.AdamW(
        model.parameters(),
        recipe.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=recipe.weight_decay,
    )
    return optimizer, transformers.get_cosine_schedule_with_warmup(
        optimizer, recipe.warmup, recipe.steps
    )


def _blocks(tokenizer: Any, texts: list[str], recipe: Recipe) -> Tensor:
    """Return int64 [n, block]: all documents in a row, each followed by an end token."""
    import torch

    tokens: list[int] = []
    for start in range(0, len(texts), 1000):
        for ids in tokenizer(texts[start : start + 1000], add_special_tokens=True)["input_ids"]:
            tokens += ids if ids[-1] == tokenizer.eos_token_id else [*ids, tokenizer.eos_token_id]
    whole = len(tokens) // recipe.block * recipe.block
    return torch.tensor(tokens[:whole]).view(-1, recipe.block)


def _task(architecture: Architecture, tokenizer: Any, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return (inputs, targets): to predict the next token, or to restore masked tokens."""
    import torch

    if architecture.kind == "causal-lm":
        return ids, ids
    chosen = torch.rand(ids.shape) < MASKED
    masked = chosen & (torch.rand(ids.shape) < 0.9)  # a tenth keeps its token
    targets = ids.masked_fill(~chosen, NOT_A_WORD)
    return ids.masked_fill(masked, tokenizer.mask_token_id), targets


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the weights in bfloat16, the configuration and the tokenizer."""
    import torch

    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _write_card(name: str, parameters: int, recipe: Recipe, folder: Path, loss: float) -> None:
    import torch
    import transformers

    weights = (folder / "model.safetensors").read_bytes()
    card = {
        "what": "a miniature: scores on it say how the harness works, not how real models do",
        "name": name,
        "parameters": parameters,
        "recipe": asdict(recipe),
        "final_loss": round(loss, 4),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        "licence": "Apache-2.0",
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
