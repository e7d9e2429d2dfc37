from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import pytest
import torch
from benchbench_backbones import benchbench_backbones, benchbench_resolve_backbone
from benchbench_backbones.cards import CARDS
from benchbench_backbones.compute_dtype import compute_dtype
from benchbench_backbones.load_options import PARAMETERS, LoadOptions
from benchbench_backbones.pad_token import choose_pad
from benchbench_backbones.pretrained_model import PretrainedModel

from benchbench import Backbone, BenchbenchError, GuardError, Skip
from benchbench.contract.parameters import resolve
from benchbench.kit.guards import check_quantized
from benchbench.kit.quantized_weights import weights
from benchbench.kit.training.lora import LORA_PARAMETERS, attach
from tests.support.models import (
    FAMILIES,
    WORDS,
    bind_model,
    load_model,
    write_model,
    write_tokenizer,
)

KINDS = ("none", "nf4", "int8")
LORA = {parameter.name: parameter.default for parameter in LORA_PARAMETERS}
MAIN = {"quantization": "none", "dtype": "auto", "revision": "main", "path": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "Tiny-Llama", [WORDS])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty hub cache, and a hub that does not answer."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "hub"


def test_the_table_names_every_model_once():
    backbones = list(benchbench_backbones())
    names = [backbone.name for backbone in backbones]
    assert len(set(names)) == len(names) == len(CARDS)
    assert all(name == name.lower() and " " not in name for name in names)
    assert len({card.hub_id for card in CARDS}) == len(CARDS)
    for backbone in backbones:
        assert isinstance(backbone, Backbone)
        assert "licence" in backbone.description
        assert resolve(backbone.name, backbone.parameters, {})[1] == []


@pytest.mark.parametrize("kind", PARAMETERS)
def test_every_declared_parameter_has_a_typed_field(kind):
    declared = [parameter.name for parameter in PARAMETERS[kind]]
    assert [field.name for field in fields(LoadOptions)] == declared


def test_a_card_says_how_large_and_how_free_a_model_is():
    lines = {backbone.name: backbone.description for backbone in benchbench_backbones()}
    assert "gated" in lines["llama-3.2-1b"]
    assert "1.24B parameters" in lines["llama-3.2-1b"]
    assert "qwen-research" in lines["qwen2.5-3b"]


def test_listing_brings_in_no_torch():
    code = (
        "import sys, benchbench_backbones as plugin; list(plugin.benchbench_backbones());"
        "assert 'huggingface_hub' not in sys.modules;"
        "plugin.benchbench_resolve_backbone('a/b');"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_reference_is_a_folder_or_a_hub_id_or_nothing(folder, monkeypatch):
    local = benchbench_resolve_backbone(str(folder))
    assert (local.name, local.family) == ("Tiny-Llama", "llama")
    monkeypatch.chdir(folder.parent)
    assert benchbench_resolve_backbone("./Tiny-Llama").source == local.source
    hub = benchbench_resolve_backbone("Some-Org/A-Model.v2")
    assert (hub.name, hub.family) == ("a-model.v2", "unknown")
    assert benchbench_resolve_backbone("meta-llama/Llama-3.2-1B").family == "llama"
    assert benchbench_resolve_backbone("llama") is None
    assert benchbench_resolve_backbone("a/b/c") is None


@pytest.mark.parametrize("reference", ["./none", "/none/such", "../none", "~/none/such"])
def test_a_path_to_nothing_is_an_error_in_one_line(reference):
    with pytest.raises(BenchbenchError, match="no such folder or file") as caught:
        benchbench_resolve_backbone(reference)
    assert "\n" not in str(caught.value) and reference in str(caught.value)


def test_the_identity_of_a_folder_is_its_content(tmp_path):
    first = write_model(tmp_path / "a", [WORDS])
    second = write_model(tmp_path / "b", [WORDS])
    other = write_model(tmp_path / "c", [WORDS], seed=1)

    def identity(folder):
        return PretrainedModel.from_folder(folder).identity(MAIN, offline=True)

    assert identity(first) == identity(second) != identity(other)
    before = identity(first)
    (first / "README.md").write_text("hello")
    assert identity(first) == before
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        kept = (first / name).read_bytes()
        (first / name).write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert identity(first) != before, name
        (first / name).write_bytes(kept)


def test_identity_brings_in_no_torch(folder):
    code = (
        "import sys; from pathlib import Path;"
        "from benchbench_backbones.pretrained_model import PretrainedModel;"
        f"PretrainedModel.from_folder(Path({str(folder)!r})).identity({MAIN!r}, offline=True);"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_that_could_run_code_are_refused(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "bin")
    (tmp_path / "bin" / "model.safetensors").rename(tmp_path / "bin" / "pytorch_model.bin")
    backbone = PretrainedModel.from_folder(tmp_path / "bin")
    for act in (
        lambda: backbone.identity(MAIN, offline=True),
        lambda: bind_model(tmp_path / "bin").load(),
    ):
        with pytest.raises(Skip, match="save_pretrained") as caught:
            act()
        assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(BenchbenchError, match=r"no config\.json"):
        PretrainedModel.from_folder(tmp_path).identity(MAIN, offline=True)


@pytest.mark.parametrize("offline", [True, False])
def test_an_absent_hub_model_is_skipped_with_the_way_to_fetch_it(cache, offline):
    backbone = benchbench_resolve_backbone("meta-llama/Llama-3.2-1B")
    with pytest.raises(Skip) as caught:
        backbone.identity({**MAIN, "revision": "v1"}, offline=offline)
    line = str(caught.value)
    assert "\n" not in line
    assert "https://huggingface.co/meta-llama/Llama-3.2-1B" in line
    assert "`hf download meta-llama/Llama-3.2-1B --revision v1`" in line
    assert str(cache) in line
    free = benchbench_resolve_backbone("Qwen/Qwen2.5-0.5B")
    with pytest.raises(Skip) as caught:
        free.identity(MAIN, offline=True)
    assert "licence" not in str(caught.value)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_cached_hub_model_is_its_commit_and_is_loaded_without_the_hub(cache, folder):
    import shutil

    repository = cache / "models--org--tiny"
    snapshot = repository / "snapshots" / COMMIT
    shutil.copytree(folder, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    backbone = benchbench_resolve_backbone("org/tiny")
    assert backbone.identity(MAIN, offline=True) == COMMIT
    assert backbone.identity(MAIN, offline=False) == COMMIT
    assert backbone.source.checkpoint("main").revision == COMMIT
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(Skip, match="hf download org/tiny"):
        backbone.identity(MAIN, offline=True)


def in_the_cache(cache, names):
    """Write empty files of these names into the cache, as the repository org/tiny."""
    repository = cache / "models--org--tiny"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for name in names:
        (snapshot / name).write_text("{}")


KINDS_OF_REPOSITORY = {
    "adapter": (["adapter_config.json", "adapter_model.safetensors"], "merge_and_unload"),
    "adapter-on-base": (["config.json", "adapter_config.json", "model.safetensors"], "PEFT"),
    "gguf": (["b.gguf", "a.gguf"], r"GGUF files only; .*`hf download org/tiny a\.gguf"),
    "gguf-and-config": (["config.json", "a.gguf"], "GGUF files only"),
    "pickle": (["config.json", "pytorch_model.bin"], r"no \*\.safetensors"),
}


@pytest.mark.parametrize(("names", "line"), KINDS_OF_REPOSITORY.values(), ids=KINDS_OF_REPOSITORY)
@pytest.mark.parametrize("place", ["cache", "hub"])
def test_a_repository_of_files_that_are_not_loaded_is_skipped(
    cache, monkeypatch, place, names, line
):
    from types import SimpleNamespace

    import huggingface_hub

    files = [SimpleNamespace(rfilename=name) for name in names]
    answer = SimpleNamespace(sha=COMMIT, siblings=files)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: answer)
    if place == "cache":
        in_the_cache(cache, names)
    with pytest.raises(Skip, match=line) as caught:
        benchbench_resolve_backbone("org/tiny").identity(MAIN, offline=place == "cache")
    assert "\n" not in str(caught.value) and "org/tiny" in str(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("quantization", "counts"), [("none", (0, 0)), ("nf4", (14, 0)), ("int8", (0, 14))]
)
def test_a_model_loads_as_asked_and_says_so(tmp_path, family, quantization, counts):
    folder = write_model(tmp_path / family, [WORDS], family=family)
    loaded = load_model(folder, quantization)
    facts = loaded.facts
    assert (facts["four_bit_modules"], facts["int8_modules"]) == counts
    whole = load_model(folder).model
    assert facts["total_parameters"] == sum(tensor.numel() for tensor in whole.parameters())
    assert (facts["context"], facts["hidden_size"]) == (256, 32)
    assert (facts["device"], facts["dtype"], facts["attention"]) == ("cpu", "float32", "sdpa")
    assert not loaded.model.training and loaded.model.config.use_cache is False
    assert type(loaded.model.get_output_embeddings()) is torch.nn.Linear
    assert len(loaded.tokenizer) <= loaded.model.get_input_embeddings().num_embeddings


def test_a_quantisation_that_did_not_happen_is_an_error(folder):
    import bitsandbytes as bnb

    whole, four_bit = load_model(folder).model, load_model(folder, "nf4").model
    for asked in ("nf4", "int8"):
        with pytest.raises(GuardError, match=f"asked for {asked}"):
            check_quantized(whole, asked)
    with pytest.raises(GuardError, match="14 modules are quantised as nf4"):
        check_quantized(four_bit, "none")
    with pytest.raises(GuardError, match="asked for int8"):
        check_quantized(four_bit, "int8")
    packed = bnb.nn.Linear4bit(8, 8, quant_type="nf4").to("cpu")
    assert check_quantized(torch.nn.Sequential(packed), "nf4")["nf4"] == 1
    never_packed = bnb.nn.Linear4bit(8, 8, quant_type="nf4")
    with pytest.raises(GuardError, match="only 0 % of the weights are quantised"):
        check_quantized(torch.nn.Sequential(never_packed), "nf4")


def test_a_checkpoint_that_brings_its_own_quantisation_is_not_taken_for_a_whole_one(tmp_path):
    folder = write_model(tmp_path / "wide", [WORDS], hidden=64)
    load_model(folder, "nf4").model.save_pretrained(tmp_path / "quantised")
    write_tokenizer(tmp_path / "quantised", [WORDS])
    with pytest.raises(GuardError, match="asked for 'none'"):
        load_model(tmp_path / "quantised", "none")


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_four_bit_weights_answer_alike_in_training_and_in_eval(tmp_path, family):
    """A width that is not divisible by 32 makes bitsandbytes' own repacking fail outright."""
    folder = write_model(tmp_path / family, [WORDS], family=family, hidden=40)
    model = load_model(folder, "nf4").model
    attach(model, LORA | {"dropout": 0.0}, seed=0)
    ids = torch.arange(3, 60).reshape(3, 19)
    answers = []
    for training in (False, True, False):
        model.train(training)
        for grad in (False, True):
            with torch.set_grad_enabled(grad):
                answers.append(model(ids).logits.detach())
    assert max((answer - answers[0]).abs().max() for answer in answers) <= 1e-6


def test_four_bit_weights_are_not_repacked_in_eval_mode(tmp_path):
    """Planted: with the CPU's flag left on, a forward in eval mode changes the weights."""
    import bitsandbytes as bnb

    folder = write_model(tmp_path / "wide", [WORDS], hidden=64)

    def weights(model):
        return {
            name: module.weight.data.clone()
            for name, module in model.named_modules()
            if isinstance(module, bnb.nn.Linear4bit)
        }

    def changed(model):
        before = weights(model)
        with torch.no_grad():
            model.eval()(torch.arange(3, 60).reshape(3, 19))
        return any(
            weight.shape != before[name].shape or not torch.equal(weight, before[name])
            for name, weight in weights(model).items()
        )

    assert not changed(load_model(folder, "nf4").model)
    from bitsandbytes.nn.modules import has_avx512bf16

    if has_avx512bf16():
        trapped = load_model(folder, "nf4").model
        for module in trapped.modules():
            if isinstance(module, bnb.nn.Linear4bit):
                module.support_avx512bf16_for_cpu = True
        assert changed(trapped)


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_gradients_through_a_quantised_base_are_those_of_its_dequantised_weights(
    folder, quantization
):
    def gradients(model):
        attach(model, LORA | {"dropout": 0.0}, seed=0)
        hidden = model.train().base_model(torch.arange(3, 60).reshape(3, 19)).last_hidden_state
        hidden[:, :, 0].sum().backward()
        return torch.cat([p.grad.flatten() for n, p in model.named_parameters() if ".lora_B." in n])

    quantised, whole = (load_model(folder, quantization).model for _ in range(2))
    expected = gradients(whole.dequantize())
    assert torch.cosine_similarity(gradients(quantised), expected, dim=0) > 0.9999


@pytest.mark.parametrize(
    ("specials", "named", "source", "token"),
    [
        (["<pad>"], {"pad_token": "<pad>"}, "pad", "<pad>"),
        (["<|reserved_special_token_0|>"], {}, "reserved", "<|reserved_special_token_0|>"),
        (["<|x|>", "<|finetune_right_pad_id|>"], {}, "reserved", "<|finetune_right_pad_id|>"),
        (["<|reserved_0|>", "<|z_pad|>"], {}, "reserved", "<|z_pad|>"),
        (["<unk>"], {"unk_token": "<unk>"}, "unk", "<unk>"),
        (["<padding_of_a_car>"], {}, "eos", "</s>"),
    ],
    ids=["pad", "reserved", "llama", "pad-before-reserved", "unk", "eos"],
)
def test_the_pad_id_follows_a_rule_and_adds_no_token(tmp_path, specials, named, source, token):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(write_tokenizer(tmp_path, [WORDS]))
    tokenizer.add_special_tokens({"extra_special_tokens": specials})
    for name, value in named.items():
        setattr(tokenizer, name, value)
    size = len(tokenizer)
    pad = choose_pad(tokenizer, size)
    assert pad == {
        "pad_token_id": tokenizer.convert_tokens_to_ids(token),
        "pad_source": source,
    }
    assert (tokenizer.pad_token, len(tokenizer)) == (token, size)
    beyond = choose_pad(tokenizer, 2)
    assert beyond["pad_token_id"] < 2, "a token without an embedding was chosen"


def test_a_checkpoint_without_some_weights_is_refused(folder, tmp_path):
    """Transformers would fill them with random numbers, with a warning at most."""
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, tmp_path / "holes")
    tensors = load_file(folder / "model.safetensors")
    del tensors["lm_head.weight"]
    save_file(tensors, tmp_path / "holes" / "model.safetensors", metadata={"format": "pt"})
    for quantization in ("none", "nf4"):
        with pytest.raises(GuardError, match=r"1 weights .* e\.g\. 'lm_head\.weight'"):
            load_model(tmp_path / "holes", quantization)


def test_tied_weights_are_no_missing_weights(shared):
    assert load_model(shared / "models" / "stories260K-hf").facts["total_parameters"] == 260_032


def test_the_base_is_kept_whole_in_the_dtype_that_was_asked_for(folder):
    model = bind_model(folder, dtype="bfloat16").load()
    assert model.facts["dtype"] == "bfloat16"
    assert {tensor.dtype for tensor in model.model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("capability", "asked", "expected"),
    [
        ((9, 0), "auto", "bfloat16"),
        ((8, 0), "bfloat16", "bfloat16"),
        ((7, 5), "auto", "float16"),
        ((7, 5), "float32", "float32"),
        ((7, 5), "bfloat16", None),
    ],
)
def test_emulated_bfloat16_is_not_taken_for_real(monkeypatch, capability, asked, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    if expected:
        assert compute_dtype("cuda", asked) == expected
    else:
        with pytest.raises(Skip, match="emulates bfloat16"):
            compute_dtype("cuda", asked)


def test_a_cpu_computes_in_float32_unless_another_dtype_is_asked_for(folder):
    assert compute_dtype("cpu", "auto") == "float32"
    assert compute_dtype("cpu", "bfloat16") == "bfloat16"


def test_a_device_that_is_not_there_is_skipped(folder):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(Skip, match="no CUDA device"):
        compute_dtype("cuda", "auto")


def test_a_model_that_needs_code_of_its_own_is_skipped(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "own")
    config = json.loads((tmp_path / "own" / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"},
    }
    (tmp_path / "own" / "config.json").write_text(json.dumps(config))
    (tmp_path / "own" / "own.py").write_text("raise SystemExit('code of the repository ran')")
    with pytest.raises(Skip, match="code from its own repository"):
        load_model(tmp_path / "own")


def test_a_model_of_another_kind_is_skipped_with_the_kind_that_was_expected(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "image")
    config = json.loads((tmp_path / "image" / "config.json").read_text()) | {"model_type": "vit"}
    (tmp_path / "image" / "config.json").write_text(json.dumps(config))
    with pytest.raises(Skip, match="transformers has no causal-lm class for this type of model"):
        load_model(tmp_path / "image")


def test_loading_writes_nothing_to_the_terminal(folder):
    code = (
        "from tests.support.models import load_model; from pathlib import Path;"
        f"[load_model(Path({str(folder)!r}), kind) for kind in ('none', 'nf4', 'int8')]"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


def test_counting_a_packed_matrix_gives_its_real_size(folder):
    sizes = [{w.name: w.size for w in weights(load_model(folder, kind).model)} for kind in KINDS]
    assert sizes[0] == sizes[1] == sizes[2]
