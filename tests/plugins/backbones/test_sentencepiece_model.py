"""A tokenizer.model alone cuts texts as SentencePiece itself does."""

from __future__ import annotations

import io
import random
import shutil

import pytest
import sentencepiece
from benchbench_backbones.sentencepiece_model import made_exact
from transformers import AutoTokenizer

from benchbench import Skip
from benchbench.kit.batching import tokenize_text
from tests.support.models import WORDS, load_model, write_model

ALPHABET = "ab  \t\n.,é日1" + WORDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("spm") / "tiny", [WORDS], vocabulary=320)


def only_sentencepiece(folder, target, **options):
    """Copy a model with a new SentencePiece tokenizer in the place of its own."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("tokenizer*"))
    model = io.BytesIO()
    sentences = [
        WORDS,
        *(f"{a} {b}" for a, b in zip(WORDS.split(), WORDS.split()[1:], strict=False)),
    ]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences * 5), model_writer=model, vocab_size=310,
        byte_fallback=True, minloglevel=2, **{"model_type": "bpe", **options},
    )  # fmt: skip
    (target / "tokenizer.model").write_bytes(model.getvalue())
    return target


@pytest.mark.parametrize(
    "options",
    [
        {"normalization_rule_name": "identity", "remove_extra_whitespaces": False},
        {"normalization_rule_name": "identity"},
        {"add_dummy_prefix": False, "normalization_rule_name": "identity"},
    ],
    ids=["llama", "one-space", "no-prefix"],
)
def test_texts_get_the_tokens_of_sentencepiece(folder, tmp_path, options):
    target = only_sentencepiece(folder, tmp_path / "spm", **options)
    loaded = load_model(target)
    original = sentencepiece.SentencePieceProcessor(model_file=str(target / "tokenizer.model"))
    draw = random.Random(0)
    texts = ["".join(draw.choices(ALPHABET, k=draw.randint(1, 40))) for _ in range(300)]
    assert tokenize_text(loaded.tokenizer, texts) == [original.encode(text) for text in texts]
    assert loaded.tokenizer("a")["input_ids"][0] == original.bos_id()


def test_a_model_that_cannot_be_converted_exactly_is_refused(folder, tmp_path):
    target = only_sentencepiece(folder, tmp_path / "spm", normalization_rule_name="nfkc_cf")
    tokenizer = AutoTokenizer.from_pretrained(target)
    (target / "tokenizer.model").write_bytes(
        (only_sentencepiece(folder, tmp_path / "other", model_type="unigram") / "tokenizer.model")
        .read_bytes()
    )  # fmt: skip
    with pytest.raises(Skip, match=r"cannot be read as SentencePiece reads it.*tokenizer\.json"):
        made_exact(tokenizer, "spm")


@pytest.mark.parametrize(
    ("protobuf", "line"),
    [(True, r"no SentencePiece file; add the tokenizer\.json"), (False, "`pip install protobuf`")],
    ids=["another-format", "without-protobuf"],
)
def test_a_tokenizer_model_that_cannot_be_read_is_one_line(
    folder, tmp_path, monkeypatch, protobuf, line
):
    import transformers.utils

    monkeypatch.setattr(transformers.utils, "is_protobuf_available", lambda: protobuf)
    target = only_sentencepiece(folder, tmp_path / "spm")
    (target / "tokenizer.model").write_bytes(b"IQ== 0\nIg== 1\n")
    with pytest.raises(Skip, match=line):
        load_model(target)


def test_a_tokenizer_json_is_left_alone(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    before = tokenizer.backend_tokenizer.to_str()
    assert made_exact(tokenizer, "tiny").backend_tokenizer.to_str() == before


@pytest.mark.parametrize("name", ["models/stories260K-hf", "tokenizers/mistral-v3"])
def test_published_models_get_the_tokens_of_sentencepiece(shared, tmp_path, name):
    shutil.copy(shared / name / "tokenizer.model", tmp_path)
    shutil.copy(shared / "models" / "stories260K-hf" / "config.json", tmp_path)
    tokenizer = made_exact(AutoTokenizer.from_pretrained(tmp_path), name)
    original = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    draw = random.Random(0)
    texts = ["".join(draw.choices(ALPHABET, k=draw.randint(1, 40))) for _ in range(300)]
    assert tokenize_text(tokenizer, texts) == [original.encode(text) for text in texts]
