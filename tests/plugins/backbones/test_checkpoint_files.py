"""Every fault of a checkpoint's files is one line that names the file and what to do."""

from __future__ import annotations

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from benchbench import BenchbenchError, GuardError, Skip
from tests.support.models import WORDS, bind_model, load_model, write_model, write_tokenizer

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "whole", [WORDS])


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def pointer(name):
    return lambda folder: (folder / name).write_text(POINTER)


def cut(bytes_left):
    def change(folder):
        content = (folder / WEIGHTS).read_bytes()
        (folder / WEIGHTS).write_bytes(content[:bytes_left])

    return change


def bad_header(folder):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:8] + b"?" + content[9:])


def no_tokenizer(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()


def no_index(folder):
    (folder / WEIGHTS).rename(folder / "model-00001-of-00002.safetensors")


def no_shard(folder):
    shards = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    names = load_file(folder / WEIGHTS)
    index = {"weight_map": {name: shards[at % 2] for at, name in enumerate(names)}}
    (folder / INDEX).write_text(json.dumps(index))
    (folder / WEIGHTS).rename(folder / shards[0])


def bad_index(folder):
    (folder / WEIGHTS).rename(folder / "model-00001-of-00002.safetensors")
    (folder / INDEX).write_text("[]")


def pickle_only(folder):
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


def adapter_beside_the_base(folder):
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')


def adapter_alone(folder):
    adapter_beside_the_base(folder)
    (folder / WEIGHTS).rename(folder / "adapter_model.safetensors")
    (folder / "config.json").unlink()


FAULTS = {
    "pointer": (pointer(WEIGHTS), r"model\.safetensors is a Git LFS pointer.*`git lfs pull`"),
    "pointer-tokenizer": (pointer("tokenizer.json"), r"tokenizer\.json is a Git LFS pointer"),
    "cut": (cut(-100), r"model\.safetensors: [\d,]+ bytes, but its header says [\d,]+; download"),
    "cut-in-the-header": (cut(50), r"model\.safetensors: damaged or cut off.*download it again"),
    "empty": (cut(0), r"model\.safetensors: damaged or cut off.*download it again"),
    "bad-header": (bad_header, r"model\.safetensors: damaged .*download it again"),
    "no-tokenizer": (no_tokenizer, r"no tokenizer files.*tokenizer\.save_pretrained"),
    "no-index": (no_index, r"neither model\.safetensors nor model\.safetensors\.index\.json"),
    "no-shard": (no_shard, r"1 of 2 weight files.*model-00002-of-00002\.safetensors; download"),
    "bad-index": (bad_index, r"index\.json is damaged.*download it again"),
    "pickle": (pickle_only, r"no \*\.safetensors.*save_pretrained"),
    "adapter": (adapter_beside_the_base, r"PEFT adapter.*merge_and_unload\(\)\.save_pretrained"),
    "adapter-alone": (adapter_alone, r"PEFT adapter.*merge_and_unload\(\)\.save_pretrained"),
}


@pytest.mark.parametrize(("change", "line"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_before_anything_is_loaded_and_again_at_load(folder, change, line):
    bound = bind_model(folder)
    assert bound.backbone.identity(bound.params, offline=True)
    change(folder)
    for act in (lambda: bound.backbone.identity(bound.params, offline=True), bound.load):
        with pytest.raises(Skip, match=line) as caught:
            act()
        assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def test_a_folder_without_a_configuration_is_an_error(folder):
    (folder / "config.json").unlink()
    with pytest.raises(BenchbenchError, match=r"no config\.json.*save_pretrained"):
        load_model(folder)


def unreadable_tokenizer(folder):
    (folder / "tokenizer.json").write_text("{}")


def other_sizes(folder):
    config = json.loads((folder / "config.json").read_text()) | {"intermediate_size": 128}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (unreadable_tokenizer, "the tokenizer cannot be read .*download its files again"),
        (other_sizes, r"other shapes than config\.json says; download both again"),
    ],
    ids=["tokenizer", "shapes"],
)
def test_what_only_loading_shows_is_one_line_too(folder, change, line):
    change(folder)
    with pytest.raises(Skip, match=line) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=["nan", "infinite"])
@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("model.embed_tokens.weight", "none"),
        ("model.layers.1.mlp.up_proj.weight", "none"),
        ("model.layers.1.mlp.up_proj.weight", "nf4"),
        ("model.layers.1.mlp.up_proj.weight", "int8"),
    ],
)
def test_weights_that_are_no_numbers_are_told_at_load(folder, name, quantization, value):
    tensors = load_file(folder / WEIGHTS)
    tensors[name][3, 3] = value
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(GuardError, match=f"NaN or infinite numbers in '{name}'; download"):
        load_model(folder, quantization)


def test_ordinary_tokens_without_an_embedding_are_told_at_load(folder):
    write_tokenizer(folder, [WORDS, "kangaroo wallaby platypus echidna " * 3], vocabulary=360)
    with pytest.raises(GuardError, match=r"56 of 360 tokens .* which has 304, e\.g\. .* id 304"):
        load_model(folder)


@pytest.mark.parametrize(
    ("token", "special", "refused"),
    [("<|im_sep|>", True, False), ("<extra>", False, False), ("kangaroo", False, True)],
    ids=["special", "looks-like-control", "text"],
)
def test_added_tokens_without_an_embedding_are_told_where_texts_can_have_them(
    folder, token, special, refused
):
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    filler = [f"<|unused_{number}|>" for number in range(304 - len(tokenizer))]
    tokenizer.add_tokens([AddedToken(text, special=True) for text in filler])
    tokenizer.add_tokens([AddedToken(token, special=special)])
    tokenizer.save_pretrained(folder)
    if refused:
        with pytest.raises(GuardError, match="'kangaroo' with the id 304"):
            load_model(folder)
    else:
        assert load_model(folder).facts["pad_token_id"] < 304
    template = "{% for m in messages %}" + token + "{{ m.content }}{% endfor %}"
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    with pytest.raises(GuardError, match="1 of 305 tokens"):
        load_model(folder)
