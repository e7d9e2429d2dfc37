from __future__ import annotations

import json
import math

import pytest
import torch

from benchbench import LabelSpace
from benchbench.contract.errors import Diverged, GuardError
from benchbench.kit.artifacts import (
    load_labels,
    load_settings,
    load_tensors,
    save_labels,
    save_settings,
    save_tensors,
)
from benchbench.kit.training.lora import (
    LORA_PARAMETERS,
)

LABELS = LabelSpace(("a", "b", "ü"), ("an a", "a b", "an ü"), {"a": "root"})
LORA = {parameter.name: parameter.default for parameter in LORA_PARAMETERS}


def edit_json(path, edit):
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def test_labels_come_back_as_they_were(tmp_path):
    save_labels(tmp_path, LABELS)
    assert load_labels(tmp_path) == LABELS


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data["names"].reverse(),
        lambda data: data["texts"].reverse(),
        lambda data: data["names"].__setitem__(0, "A"),
        lambda data: data["names"].pop(),
        lambda data: data.pop("sha256"),
        lambda data: data.pop("names"),
    ],
    ids=["swapped", "texts-swapped", "renamed", "one-dropped", "no-digest", "no-names"],
)
def test_an_edited_list_of_labels_is_refused(tmp_path, edit):
    save_labels(tmp_path, LABELS)
    edit_json(tmp_path / "labels.json", edit)
    with pytest.raises(GuardError, match=r"labels\.json"):
        load_labels(tmp_path)


def test_tensors_come_back_as_they_were(tmp_path):
    tensors = {"weight": torch.randn(2, 3).t(), "bias": torch.zeros(3)}
    save_tensors(tmp_path, "head", tensors)
    back = load_tensors(tmp_path, "head", tensors)
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"weight", "bias", "scale"}, "1 tensors are missing, e.g. 'scale'"),
        ({"weight"}, "1 tensors too many, e.g. 'bias'"),
    ],
    ids=["missing", "extra"],
)
def test_a_missing_or_an_extra_tensor_is_refused(tmp_path, expected, message):
    save_tensors(tmp_path, "head", {"weight": torch.ones(2), "bias": torch.ones(1)})
    with pytest.raises(GuardError, match=message):
        load_tensors(tmp_path, "head", expected)


def test_what_is_no_number_is_neither_saved_nor_loaded(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(Diverged):
        save_tensors(tmp_path, "head", {"weight": torch.tensor([math.inf])})
    save_file({"weight": torch.tensor([math.nan])}, tmp_path / "head.safetensors")
    with pytest.raises(Diverged):
        load_tensors(tmp_path, "head", {"weight"})


def test_nothing_is_not_saved(tmp_path):
    with pytest.raises(GuardError, match="nothing to save as 'head'"):
        save_tensors(tmp_path, "head", {})


@pytest.mark.parametrize("content", [None, b"", b"not tensors"], ids=["absent", "empty", "junk"])
def test_a_damaged_file_of_tensors_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "head.safetensors").write_bytes(content)
    with pytest.raises(GuardError, match="cannot be read"):
        load_tensors(tmp_path, "head", {"weight"})


def test_settings_come_back_and_a_damaged_file_is_refused(tmp_path):
    save_settings(tmp_path, {"pooling": "last", "document_tokens": 256})
    assert load_settings(tmp_path) == {"pooling": "last", "document_tokens": 256}
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(GuardError, match=r"settings\.json"):
        load_settings(tmp_path)
