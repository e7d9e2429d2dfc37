"""Tokens that cells share are the very tokens of each cell."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbench.kit import token_cache
from benchbench.kit.batching import tokenize_documents
from benchbench.kit.cache import enabled
from benchbench.kit.token_cache import tokenizer_digest
from benchbench.machine.stopwatch import Stopwatch, watching
from tests.support.models import WORDS, write_encoder, write_tokenizer

LONG = [WORDS] * 200
WILD = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", " ", "</s>", "<s>a</s>", "<pad>", "ẞß\u0301", "👩‍👩‍👧", "\x00\u2028\ufeff", WORDS]
    ),
)


def tokenizer_of(folder, *texts, **options):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(write_tokenizer(folder, texts or [WORDS], **options))


@pytest.fixture
def tokenizer(tmp_path):
    return tokenizer_of(tmp_path / "tokenizer")


@pytest.fixture
def eager(monkeypatch):
    """Let the cache keep what is too little to gain by it."""
    monkeypatch.setattr(token_cache, "FEWEST_CHARACTERS", 0)
    monkeypatch.setattr(token_cache, "CHARACTERS_PER_TOKEN", 0)


def entries(folder):
    return list((folder / "tokens").glob("*")) if (folder / "tokens").exists() else []


def through_cache(folder, tokenizer, texts, most):
    """Return (documents with whether each was cut, how many hits that took)."""
    watch = Stopwatch()
    with enabled(folder), watching(watch):
        tokenized = tokenize_documents(tokenizer, texts, most)
    assert "tokenize" in watch.seconds
    return tokenized, watch.hits


@pytest.mark.usefixtures("eager")
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(WILD, max_size=12), st.integers(1, 40))
def test_through_the_cache_come_the_plain_tokens(tmp_path, tokenizer, texts, most):
    plain = tokenize_documents(tokenizer, texts, most)
    assert through_cache(tmp_path / "cache", tokenizer, texts, most)[0] == plain
    assert through_cache(tmp_path / "cache", tokenizer, texts, most) == (plain, 1)


@pytest.mark.usefixtures("eager")
def test_a_text_that_is_none_fails_as_it_does_without_a_cache(tmp_path, tokenizer):
    texts = ["a lone \ud800 surrogate"]
    with pytest.raises(Exception) as plain:
        tokenize_documents(tokenizer, texts, 5)
    with pytest.raises(plain.type):
        through_cache(tmp_path / "cache", tokenizer, texts, 5)
    assert entries(tmp_path / "cache") == []


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("texts", "most"), [(LONG, 7), (LONG[:-1], 8), ([*LONG[:-1], WORDS + " "], 8), (LONG[::-1], 9)]
)
def test_other_texts_or_another_limit_are_another_entry(tmp_path, tokenizer, texts, most):
    through_cache(tmp_path, tokenizer, LONG, 8)
    plain = tokenize_documents(tokenizer, texts, most)
    assert through_cache(tmp_path, tokenizer, texts, most) == (plain, 0)
    assert len(entries(tmp_path)) == 2


def test_few_texts_do_not_go_through_the_cache_and_many_do(tmp_path, tokenizer):
    assert through_cache(tmp_path, tokenizer, LONG[:10], 8)[1] == 0
    assert entries(tmp_path) == []
    through_cache(tmp_path, tokenizer, LONG, 8)
    assert len(entries(tmp_path)) == 1


def with_added_token(tokenizer, folder):
    tokenizer.add_tokens(["pump"])
    return tokenizer


def with_normalizer(tokenizer, folder):
    from tokenizers import normalizers

    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


def with_unk(tokenizer, folder):
    tokenizer.unk_token = "</s>"
    return tokenizer


CHANGES = {
    "an-added-token": with_added_token,
    "a-normalizer": with_normalizer,
    "another-unk": with_unk,
    "another-vocabulary": lambda tokenizer, folder: tokenizer_of(folder / "o", "quite other words"),
    "another-start": lambda tokenizer, folder: tokenizer_of(folder / "o", bos=False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_tokenizer_is_another_key(tmp_path, tokenizer, change):
    before = tokenizer_digest(tokenizer)
    assert tokenizer_digest(CHANGES[change](tokenizer, tmp_path)) != before


def test_what_decides_no_token_is_no_part_of_the_key(tmp_path, tokenizer):
    before = tokenizer_digest(tokenizer)
    tokenizer("used", truncation=True, max_length=4)
    tokenizer("used", add_special_tokens=False)
    tokenizer.chat_template = "{{ messages }}"
    assert tokenizer_digest(tokenizer) == before
    assert tokenizer_digest(tokenizer_of(tmp_path / "again")) == before
    assert tokenizer_digest(pickle.loads(pickle.dumps(tokenizer))) == before


def test_a_tokenizer_whose_content_cannot_be_told_shares_nothing(tmp_path, tokenizer):
    class Custom(type(tokenizer)):
        pass

    custom = copy.deepcopy(tokenizer)
    custom.__class__ = Custom
    random = tokenizer_of(tmp_path / "random")
    random.backend_tokenizer.model.dropout = 0.5
    for unknown in (custom, random, object()):
        assert tokenizer_digest(unknown) is None
    assert through_cache(tmp_path / "cache", custom, LONG, 8)[0] == tokenize_documents(
        tokenizer, LONG, 8
    )
    assert entries(tmp_path / "cache") == []


@pytest.mark.usefixtures("eager")
def test_an_encoder_s_documents_are_framed_as_without_a_cache(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(write_encoder(tmp_path / "bert", [WORDS]))
    plain = tokenize_documents(tokenizer, ["", WORDS, "pump [SEP]"], 6)
    for hits in (0, 1):
        assert through_cache(tmp_path / "c", tokenizer, ["", WORDS, "pump [SEP]"], 6) == (
            plain,
            hits,
        )
