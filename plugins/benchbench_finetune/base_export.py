"""What exports of this plugin share: the model below a scorer, its tokenizer, and its settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchbench import BenchbenchError, Exported, ExportTarget, LabelSpace, LoadedModel
from benchbench.kit.batching import control_tokens
from benchbench.kit.training import adapter_outputs, merged_model, save_peft_adapter

STANDALONE = Path(__file__).parent / "standalone"
TASKS = {"AutoModel": "FEATURE_EXTRACTION", "AutoModelForCausalLM": "CAUSAL_LM"}
"""What a model is loaded as -> the task type of its adapter."""
PROBLEMS = {"single-label": "single_label_classification", "multi-label":
            "multi_label_classification"}  # fmt: skip


def export_base(loaded: LoadedModel, target: ExportTarget, auto_class: str) -> dict[str, Any]:
    """Write the adapter, or the merged weights, and return what `scorer.json` says of the model.

    Raises BenchbenchError where the base model cannot be found again by transformers.
    """
    adapted = bool(adapter_outputs(loaded.model))
    if target.merge:
        whole = merged_model(loaded.model)
        model = whole.base_model if auto_class == "AutoModel" else whole
        _save_model(model, target.folder)
        return {"auto_class": auto_class, "base": None, "adapter": False, "float32": False}
    address = target.address
    if address is None or not address.here:
        raise BenchbenchError(
            "the base model was read from a file that transformers cannot hold in 4 bits again: "
            "export with --merge"
        )
    if adapted:
        save_peft_adapter(loaded.model, target.folder, TASKS[auto_class], address.hub_id)
    base = {
        "id": address.hub_id,
        "revision": address.revision,
        "quantization": _quantization(loaded.facts),
    }
    return {"auto_class": auto_class, "base": base, "adapter": adapted, "float32": False}


def export_whole(loaded: LoadedModel, folder: Path) -> dict[str, Any]:
    """Write a model that was trained as a whole; return what `scorer.json` says of it."""
    _save_model(loaded.model, folder)
    return {"auto_class": "AutoModel", "base": None, "adapter": False, "float32": True}


def name_labels(config: Any, labels: LabelSpace, kind: str) -> None:
    """Let a configuration of transformers know the labels."""
    config.id2label = dict(enumerate(labels.names))
    config.label2id = {name: place for place, name in enumerate(labels.names)}
    config.problem_type = PROBLEMS[kind]


def reading(loaded: LoadedModel) -> dict[str, Any]:
    """Return how texts become tokens, for `scorer.json`."""
    control = {text: index for index, text in control_tokens(loaded.tokenizer).items()}
    return {"pad": loaded.facts["pad_token_id"], "control": control}


def finish(
    target: ExportTarget, loaded: LoadedModel, scorer: str, settings: Mapping[str, Any]
) -> Exported:
    """Write the tokenizer, the settings and the scorer; return what was exported."""
    folder = target.folder
    loaded.tokenizer.save_pretrained(folder)
    text = json.dumps(settings, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "scorer.json").write_text(text + "\n", encoding="utf-8")
    shutil.copyfile(STANDALONE / f"{scorer}.py", folder / "scorer.py")
    shutil.copyfile(STANDALONE / "base_model.py", folder / "base_model.py")
    base, packages = settings["base"], ["torch", "transformers", "safetensors"]
    if base is None:
        return Exported("transformers", tuple(packages))
    packages += ["peft"] * settings["adapter"]
    packages += ["bitsandbytes"] * (base["quantization"] != "none")
    library = "peft" if settings["adapter"] else "transformers"
    return Exported(library, tuple(packages), base["id"] or "a folder")


def _save_model(model: Any, folder: Path) -> None:
    from transformers.utils import logging

    model.config._name_or_path = ""  # it may be a path of this machine
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
    finally:
        if shown:
            logging.enable_progress_bar()


def _quantization(facts: Mapping[str, Any]) -> str:
    if facts["four_bit_modules"]:
        return "nf4"
    return "int8" if facts["int8_modules"] else "none"
