"""Does a device give the numbers of a CPU? Small models, both methods' arithmetic."""

from __future__ import annotations

from typing import Any

FAMILIES = ("Llama", "Mistral", "Qwen2", "Qwen3")
SIZES = {
    "vocab_size": 320, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
    "max_position_embeddings": 512,
}  # fmt: skip


def attention(device: str) -> str:
    """Compare attention behind a beginning, in values and gradients, with one attention."""
    import torch

    from benchbench.kit.scoring.shared_attention import attend_behind

    worst = {}
    for dtype in (torch.float32, torch.bfloat16):
        for masked in (False, True):
            random = torch.Generator().manual_seed(0)
            shapes = [
                (3, 8, 19, 64),
                (3, 2, 19, 64),
                (3, 2, 19, 64),
                (1, 2, 37, 64),
                (1, 2, 37, 64),
            ]
            parts = [torch.randn(*shape, generator=random) for shape in shapes]
            weights = torch.randn(*shapes[0], generator=random)
            mask = torch.rand(3, 1, 19, 19, generator=random) > 0.5
            mask = (mask | torch.eye(19, dtype=torch.bool)) if masked else None
            results = []
            for place, kind in (("cpu", torch.float32), (device, dtype)):
                moved = [part.to(place, kind).requires_grad_() for part in parts]
                there = mask.to(place) if mask is not None else None
                value = attend_behind(*moved, there, 0.125)
                gradients = torch.autograd.grad((value * weights.to(place, kind)).sum(), moved)
                results.append([t.detach().float().cpu() for t in (value, *gradients)])
            gaps = [
                float((a - b).abs().max() / a.abs().max()) for a, b in zip(*results, strict=True)
            ]
            worst[f"{dtype}".removeprefix("torch.") + " mask" * masked] = max(gaps)
    limits = {name: 0.02 if "bfloat16" in name else 1e-4 for name in worst}
    failed = [name for name in worst if not worst[name] <= limits[name]]
    shown = ", ".join(f"{name} {gap:.1e}" for name, gap in worst.items())
    return f"{'FAILED: ' + ', '.join(failed) if failed else 'passed'} (relative gaps: {shown})"


def scores(device: str) -> str:
    """Compare the device's label scores and head states with the CPU's, family by family."""
    import torch

    from benchbench.kit.scoring import Continuation, Scorer, TokenTrie
    from benchbench.kit.scoring.beginning import takes_beginning

    head = [1, *range(20, 50)]
    prompts = [[*head, *range(60, 64 + 3 * row)] for row in range(5)]
    labels = [(70, 71, 72), (70, 71, 73), (74,), (75, 76), (75, 77, 78, 79)]
    trie = TokenTrie.build([Continuation((), (*label, 2)) for label in labels])
    told = []
    for family in FAMILIES:
        model = small(family)
        with torch.no_grad():
            expected = Scorer(model, 0, False).scores(prompts, trie)
            model.to(device)
            scorer = Scorer.choose(model, 0, prompts[0], trie, 100)
            gap = float((scorer.scores(prompts, trie).cpu() - expected).abs().max())
            model.to(torch.bfloat16)
            del model.benchbench_takes_beginning
            narrow = Scorer.choose(model, 0, prompts[0], trie, 100)
            rough = float((narrow.scores(prompts, trie).cpu() - expected).abs().max())
        way = f"{scorer.name}/{narrow.name}{'' if takes_beginning(model) else ' NOT SHARED'}"
        verdict = "" if gap < 1e-3 and rough < 1 and narrow.tree else "FAILED "
        told.append(f"{verdict}{family} {way} {gap:.1e} {rough:.2f}")
    return "; ".join(told)


def dequantised(device: str) -> str:
    """Compare NF4 weights as the device and the CPU unpack them."""
    import bitsandbytes as bnb
    import torch

    from benchbench.kit.dense_weights import dense_weight, unpack_exactly

    unpack_exactly()
    told = []
    for width in (64, 416, 576, 2048):
        torch.manual_seed(0)
        weight = torch.randn(96, width)
        layers = []
        for place in ("cpu", device):
            layer = bnb.nn.Linear4bit(width, 96, bias=False, compute_dtype=torch.float32,
                                      quant_type="nf4")  # fmt: skip
            layer.weight = bnb.nn.Params4bit(weight.clone(), requires_grad=False, quant_type="nf4")
            layers.append(dense_weight(layer.to(place), torch.float32).cpu())
        gap = float((layers[0] - layers[1]).abs().max())
        error = float((layers[1] - weight).abs().max())
        told.append(f"{'FAILED ' if gap > 0.35 or error > 1.2 else ''}{width}: {gap:.1e}")
    return "; ".join(told)


def fused(device: str) -> str:
    """Compare adapters and norms in few operations with those of peft and transformers."""
    import torch

    from benchbench.kit.training import adapter_outputs, adapter_tensors, attach

    ids = torch.arange(2, 66).view(2, 32)
    told = []
    for family in FAMILIES:
        found = []
        for few in (False, True):
            model = small(family).to(device)
            settings = {"rank": 4, "alpha": 8.0, "dropout": 0.0, "fused": few}
            attach(model, settings, 0)
            generator = torch.Generator().manual_seed(1)
            for tensor in adapter_outputs(model):
                tensor.data.copy_(torch.randn(tensor.shape, generator=generator) / 10)
            states = model.base_model(input_ids=ids.to(device)).last_hidden_state
            weights = torch.randn(states.shape, generator=generator).to(device)
            (states * weights).sum().backward()
            found.append([states.detach(), *(t.grad for t in adapter_tensors(model).values())])
        changed = sum("forward" in layer.__dict__ for layer in model.modules())
        gap = max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(*found, strict=True))
        told.append(f"{'' if gap < 1e-4 else 'FAILED '}{family} {changed} layers {gap:.1e}")
    return "; ".join(told)


def small(family: str) -> Any:
    """Return a small random model of a family on the CPU."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**SIZES)
    return getattr(transformers, f"{family}ForCausalLM")(config).eval()


CHECKS = {
    "attention": attention, "label scores": scores, "NF4": dequantised, "fused layers": fused,
}  # fmt: skip
