"""The files of a fitted classifier: labels, tensors and settings, written whole, read strictly."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import GuardError, LabelSpace
from benchbench.kit.guards import check_finite

if TYPE_CHECKING:
    from torch import Tensor

LABELS = "labels.json"
SETTINGS = "settings.json"


def save_labels(folder: Path, labels: LabelSpace) -> None:
    """Write `labels.json`: the ordered names, the texts, the parents, and their digest."""
    _write_json(
        folder / LABELS,
        {
            "names": labels.names,
            "texts": labels.texts,
            "parents": dict(labels.parents),
            "sha256": labels.digest,
        },
    )


def load_labels(folder: Path) -> LabelSpace:
    """Return the labels that `save_labels` wrote; raise GuardError where the file was edited."""
    path = folder / LABELS
    data = _read_json(path)
    try:
        labels = LabelSpace(tuple(data["names"]), tuple(data["texts"]), data["parents"])
    except (KeyError, TypeError, ValueError) as error:
        raise GuardError(
            f"{path}: the label list is damaged ({error}); train the classifier again"
        ) from error
    if labels.digest != data.get("sha256"):
        raise GuardError(f"{path}: the labels do not match their sha256: the file was edited")
    return labels


def save_tensors(folder: Path, name: str, tensors: Mapping[str, Tensor]) -> None:
    """Write `<name>.safetensors`.

    Raises GuardError where there is nothing to write, and Diverged where a value is not finite.
    """
    from safetensors.torch import save_file

    if not tensors:
        raise GuardError(f"there is nothing to save as '{name}'")
    check_finite(f"a tensor of '{name}'", tensors.values())
    folder.mkdir(parents=True, exist_ok=True)
    plain = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
    save_file(plain, folder / f"{name}.safetensors")


def load_tensors(folder: Path, name: str, expected_names: Collection[str]) -> dict[str, Tensor]:
    """Return the tensors that `save_tensors` wrote.

    Raises GuardError where the file is missing or damaged, or has other names than
    `expected_names`, and Diverged where a value is not finite.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / f"{name}.safetensors"
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise GuardError(f"{path}: cannot be read ({error})") from error
    check_names(path, tensors, expected_names)
    check_finite(str(path), tensors.values())
    return dict(tensors)


def check_names(path: Path, names: Collection[str], expected: Collection[str]) -> None:
    """Raise GuardError where a tensor is missing, or where there is one that is not expected."""
    missing, extra = sorted(set(expected) - set(names)), sorted(set(names) - set(expected))
    if missing:
        raise GuardError(f"{path}: {len(missing)} tensors are missing, e.g. '{missing[0]}'")
    if extra:
        raise GuardError(f"{path}: {len(extra)} tensors too many, e.g. '{extra[0]}'")


def save_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write `settings.json`: everything else that decides what the classifier predicts."""
    _write_json(folder / SETTINGS, settings)


def load_settings(folder: Path) -> dict[str, Any]:
    """Return what `save_settings` wrote; raise GuardError where it cannot be read.

    `benchbench.kit.typed_parameters.read_parameters` turns it into a dataclass again.
    """
    return _read_json(folder / SETTINGS)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GuardError(f"{path}: cannot be read ({error})") from error
    return data
