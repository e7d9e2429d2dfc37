"""Tiny random models and tokenizers, written to a folder as Hugging Face lays them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FAMILIES = ("llama", "mistral", "qwen2")
WINDOW = {"sliding_window": 32}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "llama": {},
    "mistral": {},
    "qwen2": {},
    "qwen3": {},
    "gemma2": WINDOW,  # every other layer looks back 32 tokens; no sdpa
    "gemma3_text": {**WINDOW, "sliding_window_pattern": 2},
    "phi3": {},  # q, k and v in one matrix
    "gpt2": {},  # Conv1D in the place of Linear, learned positions
    "gpt_neox": {},
    "bloom": {},  # ALiBi in the place of positions, as in MPT; no sdpa in either
    "mpt": {},
    "falcon": {"head_dim": None},  # layers that transformers does not quantise
    "olmo2": {},  # norms behind attention and feed-forward part
    "opt": {"word_embed_proj_dim": 32, "ffn_dim": 96},
    "mixtral": EXPERTS,  # all experts of a layer in one parameter, as in GPT-OSS
    "gpt_oss": {**WINDOW, **EXPERTS},  # sinks; no sdpa
}
"""Model type, for `write_model(family=...)` -> what its configuration needs beyond the common
sizes (None: without it)."""
WORDS = (
    "a the of and to in is for with on pump valve water pressure light lens camera image "
    "engine gear wheel brake protein cell gene drug circuit signal antenna network"
)


def write_tokenizer(
    folder: Path,
    texts: Sequence[str],
    *,
    vocabulary: int = 300,
    bos: bool = True,
    pad: bool = False,
    chat_template: str | None = None,
) -> Path:
    """Train a byte-level BPE tokenizer on `texts` and write it to `folder`.

    Its specials are <s>, </s> and, where asked for, <pad>; with `bos` it begins every text with
    <s>, as Llama's does, else it adds nothing, as Qwen's does. No text is ever unknown to it.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "</s>", *(["<pad>"] if pad else [])]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(texts) or [WORDS], trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>" if pad else None,
    )
    if chat_template is not None:
        fast.chat_template = chat_template
    fast.save_pretrained(folder)
    return folder


def write_model(
    folder: Path,
    texts: Sequence[str] = (),
    *,
    family: str = "llama",
    hidden: int = 32,
    layers: int = 2,
    context: int = 256,
    seed: int = 0,
    vocabulary: int = 300,
    **tokenizer: Any,
) -> Path:
    """Write a random causal LM of `family` and a tokenizer trained on `texts` to `folder`.

    The intermediate width is 3 * hidden and the vocabulary is padded to a multiple of 8, so
    that every projection can be quantised. Takes well under a second.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, texts, vocabulary=vocabulary, **tokenizer)
    size = len(AutoTokenizer.from_pretrained(folder))
    more = ARCHITECTURES[family]
    sizes = {
        "vocab_size": -(-size // 8) * 8,
        "hidden_size": hidden,
        "intermediate_size": 3 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": hidden // 4,
        "max_position_embeddings": context,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": None,
        "initializer_range": 0.1,
        "tie_word_embeddings": False,
        **more,
    }
    given = {name: value for name, value in sizes.items() if more.get(name, 0) is not None}
    config = AutoConfig.for_model(family, **given)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    return folder


ENCODER_CLASSES = {
    "bert": "Bert",
    "modernbert": "ModernBert",
    "mpnet": "MPNet",
    "roberta": "Roberta",
}


def write_encoder(
    folder: Path, texts: Sequence[str], *, family: str = "bert", context: int = 64
) -> Path:
    """Write a random masked LM of `family` and a tokenizer with [CLS] and [SEP] to `folder`."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    specials = ["[CLS]", "[PAD]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        list(texts),
        trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=specials,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)]
    )
    names = ("cls_token", "pad_token", "sep_token", "mask_token")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=context,
        **dict(zip(names, specials, strict=True)),
    ).save_pretrained(folder)
    more = {"reference_compile": False} if family == "modernbert" else {}
    config = getattr(transformers, f"{ENCODER_CLASSES[family]}Config")(
        vocab_size=304,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=context + 2,
        pad_token_id=1,
        initializer_range=0.1,
        **more,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, f"{ENCODER_CLASSES[family]}ForMaskedLM")(config)
    model.save_pretrained(folder)
    return folder


def load_model(folder: Path, quantization: str = "none", **params: Any) -> Any:
    """Return the LoadedModel of a folder on CPU in float32."""
    return bind_model(folder, quantization, **params).load()


def bind_model(folder: Path, quantization: str = "none", **params: Any) -> Any:
    """Return the BoundBackbone of a folder, for CPU in float32."""
    from benchbench_backbones.pretrained_model import PretrainedModel

    from benchbench import BoundBackbone

    backbone = PretrainedModel.from_folder(folder)
    settled = {parameter.name: parameter.default for parameter in backbone.parameters}
    settled |= {"quantization": quantization, **params}
    return BoundBackbone(backbone, settled, "cpu", "float32")


TOPICS = {
    "fluids": "pump valve water pressure",
    "optics": "light lens camera image",
    "vehicles": "engine gear wheel brake",
}


def toy_split(documents: int, *, kind: str = "single-label", seed: int = 0) -> Any:
    """Return documents of 4 to 12 words whose words tell their topics (one, or one or two)."""
    import datasets

    from benchbench.kit.seeding import generator

    random = generator(seed, "toy", kind)
    words = [topic.split() for topic in TOPICS.values()]
    rows = []
    for number in range(documents):
        most = 2 if kind == "multi-label" else 1
        labels = random.permutation(len(words))[: random.integers(1, most + 1)].tolist()
        pool = [word for label in labels for word in words[label]] + ["the", "of", "a"]
        text = " ".join(random.choice(pool, random.integers(4, 13)).tolist())
        text += " " + " ".join(words[label][number % 4] for label in labels)
        rows.append(
            {
                "id": str(number),
                "text": text,
                "labels": sorted(labels),
                "main": labels[0],
                "group": "",
                "weight": 1.0,
            }
        )
    return datasets.Dataset.from_list(rows)


def share_of_right_decisions(classifier: Any, kind: str) -> float:
    """Return the share of right decisions, one per document and label, on 200 new documents."""
    import numpy as np

    split = toy_split(200, kind=kind, seed=2)
    gold = np.zeros((len(split), len(TOPICS)), dtype=bool)
    for row, labels in enumerate(split["labels"]):
        gold[row, labels] = True
    logits = classifier.predict_logits(split["text"])
    best = np.eye(len(TOPICS), dtype=bool)[logits.argmax(axis=1)]
    return float(((logits > 0 if kind == "multi-label" else best) == gold).mean())


def toy_task(method: Any, backbone: Any = None, *, kind: str = "single-label", **given: Any) -> Any:
    """Return a Task over `toy_split`s.

    `given` are parameters of the method, fields of the task (seed, report, train), and
    `documents`, the number of training documents.
    """
    from benchbench import LabelSpace, Task

    documents = given.pop("documents", 96)
    fields = {"seed": 0, "train": toy_split(documents, kind=kind)}
    fields |= {name: given.pop(name) for name in ("seed", "train", "report") if name in given}
    settled = {parameter.name: parameter.default for parameter in method.parameters}
    return Task(
        kind=kind,
        labels=LabelSpace(tuple(sorted(TOPICS))),
        validation=toy_split(48, kind=kind, seed=1),
        backbone=backbone,
        params=settled | given,
        **fields,
    )
