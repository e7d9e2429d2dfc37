"""What miniatures hide: a real pretrained model, in the dtypes that its users compute in."""

from __future__ import annotations

import pytest
from benchbench_backbones.gguf_file import stored_as
from benchbench_backbones.pretrained_model import resolve
from benchbench_backbones.shapes import SHAPES
from benchbench_finetune.verbalizer import codes, written_tokens

from benchbench.kit.scoring import Continuation, Scorer, TokenTrie
from benchbench.kit.training import autocast
from tests.support.commands import benchbench
from tests.support.models import load_model
from tests.support.real_models import MINILM, SMOLLM2, SMOLLM2_GGUF, real_model

TOPICS = ("World", "Sports", "Business", "Sci/Tech")
TEXTS = {
    "sports": ["the team won the match", "a striker scored two goals"],
    "business": ["the bank raised its forecast", "shares fell after the report"],
}
PROMPT = "Name the topic.\n\nText:\nThe bank raised its forecast for the year.\n\nTopic:"


def prompt_of(tokenizer):
    chat = [{"role": "user", "content": PROMPT}]
    return tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_labels_are_scored_by_tree_and_rounding_is_not_taken_for_a_fault(dtype):
    loaded = load_model(real_model(SMOLLM2), dtype=dtype)
    answers = written_tokens(loaded.tokenizer, TOPICS, "")
    trie = TokenTrie.build([Continuation((), (*answer, 2)) for answer in answers])
    with autocast(loaded):
        scorer = Scorer.choose(loaded.model, 2, prompt_of(loaded.tokenizer), trie, 64)
    assert scorer.tree, scorer.check
    assert scorer.warning is None
    if dtype == "bfloat16":
        assert scorer.check.noise > 0.01
        assert scorer.check.float32_difference < 1e-3
    else:
        assert scorer.check.difference < 1e-3


def test_a_real_encoder_is_known_by_its_folder():
    folder = resolve(str(real_model(MINILM)))
    assert (folder.kind, folder.family) == ("encoder", "bert")
    assert folder.shape() == SHAPES["all-minilm-l6-v2"]


def test_a_label_has_its_own_token_as_its_code_behind_the_chat_template():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(real_model(SMOLLM2))
    tokens = codes(tokenizer, written_tokens(tokenizer, TOPICS, ""))
    words = [tokenizer.decode(list(token)) for token in tokens]
    assert words == ["World", "Sports", "Business", "Sci"]


def test_a_gguf_file_says_its_sizes_and_how_it_is_stored_without_being_loaded():
    file = resolve(str(real_model(SMOLLM2_GGUF)))
    folder = resolve(str(real_model(SMOLLM2)))
    assert file.shape() == folder.shape() == SHAPES["smollm2-135m-instruct"]
    assert stored_as(file.source.path) == "GGUF Q4_1"
    assert file.family == folder.family == "llama"


def test_both_methods_train_a_real_model(tmp_path):
    """A user's first run with real models: every cell has a result, and labels are scored fast."""
    table = tmp_path / "news.csv"
    rows = [f"{text},{topic}" for topic in TEXTS for text in TEXTS[topic] * 3]
    table.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    done = benchbench(
        tmp_path, "run", "--csv", table, "--text", "text", "--label", "label",
        "--backbone", real_model(SMOLLM2), "--method", "embedding-head", "--method", "instruction",
        "--set", "document_tokens=16", "--set", "epochs=1", "--set", "label_list=never",
        "--set", "dtype=bfloat16", "--seeds", "0",
    )  # fmt: skip
    assert "2 of 2 cells have a result" in " ".join(done.stdout.split())
    assert "scored plainly" not in done.stdout
