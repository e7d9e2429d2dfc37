"""A GGUF file is a backbone like any other: known, hashed, loaded, quantised, and named."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
import torch
from benchbench_backbones import benchbench_resolve_backbone
from benchbench_backbones.pretrained_model import resolve

from benchbench import BenchbenchError, BoundBackbone, Skip
from tests.support.models import WORDS, load_model, write_model

gguf = pytest.importorskip("gguf", reason="the extra gguf is not installed")
TEXT = "pump valve water pressure; light lens"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("gguf") / "tiny", [WORDS], hidden=64, bos=False)


@pytest.fixture(scope="module")
def files(folder):
    """The model of the folder as GGUF: in float32, and with its layers in Q8_0."""
    kinds = gguf.GGMLQuantizationType
    return {
        "F32": write_gguf(folder, folder.parent / "tiny-f32.gguf", kinds.F32),
        "Q8_0": write_gguf(folder, folder.parent / "tiny-q8.gguf", kinds.Q8_0),
    }


def write_gguf(folder, path, kind):
    """Write the Llama of a folder with the layout and the names of llama.cpp's converter."""
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoTokenizer

    config, tokenizer = AutoConfig.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    write_vocabulary(writer, tokenizer, config.vocab_size)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in load_file(folder / "model.safetensors").items():
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        for projection, count in heads.items():
            tensor = interleaved(tensor, count) if projection in name else tensor
        inner = tensor.dim() == 2 and ".layers." in name
        stored = kind if inner else gguf.GGMLQuantizationType.F32
        values = gguf.quants.quantize(tensor.numpy(), stored)
        writer.add_tensor(names.get_name(name, (".weight",)), values, raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def interleaved(weight, heads):
    """Return a projection with the order of rows that llama.cpp's rotation expects."""
    return weight.view(heads, 2, -1, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


def write_vocabulary(writer, tokenizer, size):
    import json

    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    tokens += [f"[PAD{number}]" for number in range(len(tokens), size)]
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, *[1] * (len(tokens) - 2)])
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)


def load(path, quantization="none"):
    backbone = resolve(str(path))
    params = {parameter.name: parameter.default for parameter in backbone.parameters}
    return BoundBackbone(backbone, params | {"quantization": quantization}, "cpu", "float32").load()


def logits(loaded):
    ids = loaded.tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        return loaded.model(torch.tensor([ids])).logits


@pytest.mark.parametrize("quantization", ["none", "nf4", "int8"])
def test_a_file_of_floats_is_the_model_that_it_was_written_from(folder, files, quantization):
    ours, theirs = load(files["F32"], quantization), load_model(folder, quantization)
    assert torch.equal(logits(ours), logits(theirs))
    same = ("four_bit_modules", "int8_modules", "quantized_share", "total_parameters", "attention")
    assert {name: ours.facts[name] for name in same} == {name: theirs.facts[name] for name in same}
    assert ours.facts["stored_as"] is None


def test_a_file_of_blocks_is_near_its_original_and_says_what_it_was(folder, files):
    loaded, original = load(files["Q8_0"], "nf4"), load_model(folder, "nf4")
    assert loaded.facts["stored_as"] == "GGUF Q8_0"
    assert (loaded.facts["four_bit_modules"], loaded.facts["quantized_share"]) == (14, 1.0)
    ours, theirs = logits(load(files["Q8_0"])), logits(load_model(folder))
    assert 0 < (ours - theirs).abs().max() < 0.05 * theirs.abs().max()
    assert logits(loaded).shape == logits(original).shape


def test_loading_a_file_writes_nothing_to_the_terminal(files, capfd):
    load(files["Q8_0"])
    assert capfd.readouterr() == ("", "")


def test_a_file_is_known_by_its_content_its_stem_and_its_sizes(folder, files, tmp_path):
    backbone = benchbench_resolve_backbone(str(files["Q8_0"]))
    assert (backbone.name, backbone.kind, backbone.family) == ("tiny-q8", "causal-lm", "llama")
    assert backbone.shape() == resolve(str(folder)).shape()
    params = {parameter.name: parameter.default for parameter in backbone.parameters}
    identity = backbone.identity(params, offline=True)
    moved = tmp_path / "other-name.gguf"
    content = files["Q8_0"].read_bytes()
    moved.write_bytes(content)
    assert resolve(str(moved)).identity(params, offline=True) == identity
    assert resolve(str(tmp_path)).source.path == moved, "a folder with one file is that file"
    moved.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert resolve(str(moved)).identity(params, offline=True) != identity


def test_files_beside_a_gguf_file_change_nothing(files, tmp_path):
    alone = tmp_path / "alone.gguf"
    alone.write_bytes(files["F32"].read_bytes())
    before = logits(load(alone))
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
    assert torch.equal(logits(load(alone)), before)


def test_knowing_a_file_brings_in_no_torch(files):
    code = (
        "import sys; from benchbench_backbones.pretrained_model import resolve;"
        f"backbone = resolve({str(files['Q8_0'])!r}); backbone.shape();"
        "params = {'quantization': 'nf4', 'dtype': 'auto', 'revision': 'main', 'path': ''};"
        "backbone.identity(params, offline=True);"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_package_the_command_that_installs_it_is_named(files, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "gguf" else real(name)
    )
    assert resolve(str(files["F32"])).shape() is not None
    with pytest.raises(Skip, match=r"run `pip install 'benchbench\[gguf\]'`"):
        load(files["F32"])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (lambda whole: whole[:-1000], r"[\d,]+ bytes, but its header says [\d,]+; download"),
        (lambda whole: whole[:2000], "cut off in the header; download it again"),
        (lambda whole: b"PK" + whole[2:], "no GGUF file"),
        (lambda whole: b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
    ids=["cut", "cut-in-the-header", "another-format", "pointer"],
)
def test_a_damaged_file_is_one_line(files, tmp_path, content, line):
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content(files["F32"].read_bytes()))
    with pytest.raises(Skip, match=line) as caught:
        load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_one_part_of_a_model_is_refused(files, tmp_path):
    part = tmp_path / "model-00001-of-00002.gguf"
    part.write_bytes(files["F32"].read_bytes())
    with pytest.raises(Skip, match="llama-gguf-split --merge"):
        load(part)


def test_a_reference_that_is_not_one_gguf_file_is_an_error_in_one_line(files, folder):
    with pytest.raises(BenchbenchError, match=r"2 \.gguf files \(tiny-f32\.gguf, tiny-q8\.gguf\)"):
        resolve(str(folder.parent))
    with pytest.raises(BenchbenchError, match="no such folder or file"):
        resolve("models/none.gguf")
    with pytest.raises(BenchbenchError, match="is a file; give the folder"):
        resolve(str(folder / "model.safetensors"))
