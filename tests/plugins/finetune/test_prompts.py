"""Prompts keep instruction, label list and answer slot whole, and documents harmless."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import pytest
from benchbench_finetune.prompts import (
    CATEGORIES,
    CODED,
    DATE,
    FIXED_CLOCK,
    SEPARATORS,
    SLOTS,
    TEMPLATES,
    YES_NO,
    Template,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbench import GuardError, LabelSpace, Skip
from tests.support.models import write_tokenizer
from tests.support.prompted import prompt_of

LABELS = LabelSpace(("A01B", "A01C", "Artificial iris", "Artificial silicon", "Sports"))
FORMATS = tuple(TEMPLATES)
TEXT = "Read the text and list every category that it belongs to."
CHAT = (
    "{{ bos_token }}{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)


def tokenizer_of(folder, **options):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(write_tokenizer(folder, [TEXT, *LABELS.names], **options))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return tokenizer_of(tmp_path_factory.mktemp("tokenizer"))


def pieces(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield (piece, kind) of a SentencePiece model: field 1 of its protocol buffer."""

    def number(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte, at = data[at], at + 1
            value, shift = value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value, at

    at = 0
    while at < len(data):
        key, at = number(at)
        length, at = number(at)
        if key == 10:
            size, start = number(at + 1)
            kind = data[at + length - 1] if data[at + length - 2] == 24 else 1
            yield data[start : start + size].decode(), kind
        at += length


@pytest.fixture(scope="module", params=["llama3.1", "qwen2", "mistral-v3", "phi3-mini"])
def real(request, shared):
    """The tokenizers of four families."""
    from transformers import AutoTokenizer, LlamaTokenizer, PreTrainedTokenizerFast
    from transformers.tokenization_utils_base import generate_merges

    folder = shared / "tokenizers"
    if request.param == "mistral-v3":
        listed = list(pieces((folder / "mistral-v3" / "tokenizer.model").read_bytes()))
        vocabulary = {piece: index for index, (piece, _) in enumerate(listed)}
        ranks = {piece: -float(index) for piece, index in vocabulary.items()}
        controls = [piece for piece, kind in listed if kind == 3]
        merges = generate_merges(vocabulary, {p: ranks[p] for p, kind in listed if kind == 1})
        return LlamaTokenizer(vocab=vocabulary, merges=merges, extra_special_tokens=controls)
    if request.param == "phi3-mini":
        file = str(folder / "phi3-mini.tokenizer.json")
        return PreTrainedTokenizerFast(
            tokenizer_file=file, bos_token="<s>", eos_token="<|endoftext|>"
        )
    return AutoTokenizer.from_pretrained(folder / request.param)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Text: {document}", ("document", "label")),
        ("Text: {document} {oops}", ("document",)),
        ("{document} {document}", ("document",)),
        ("{b} {a}", ("a", "b")),
    ],
    ids=["missing", "extra", "twice", "out of order"],
)
def test_a_template_with_other_placeholders_is_refused(text, names):
    with pytest.raises(ValueError, match="needs"):
        Template(text, names)


def test_the_words_of_the_prompts_are_these():
    """They decide scores: whoever changes one changes this digest, and runs every cell again."""
    texts = [*(TEMPLATES[name].text for name in ("one-label", "list", "yes-no"))]
    texts += [CATEGORIES.text, CODED.text, *YES_NO, *SEPARATORS, DATE, FIXED_CLOCK]
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    assert digest == "9db7167786ed46123c4d806b80b5fb4f49e0052ad4a936893f8d47ee275e347b"


def test_braces_in_a_document_or_label_are_text(tokenizer):
    labels = LabelSpace(("{document}", "{label}", "{}"))
    for name in FORMATS:
        format = prompt_of(tokenizer, labels, name, 2048, label_list="always")
        (prompt,), _ = format.encode(tokenizer, ["{categories} {label}"])
        text = tokenizer.decode(prompt)
        assert "{categories} {label}" in text
        assert "{document}\n{label}\n{}" in text


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    context=st.integers(20, 700),
    words=st.integers(0, 400),
    name=st.sampled_from(FORMATS),
    choice=st.sampled_from(["auto", "always", "never"]),
)
def test_all_but_the_document_survives_at_every_length_or_both_numbers_are_named(
    tokenizer, context, words, name, choice
):
    settings = {"label_list": choice, "document_tokens": 200, "max_listed": 3}
    try:
        format = prompt_of(tokenizer, LABELS, name, context, **settings)
    except Skip as skip:
        needed, had = map(int, re.findall(r"\d+", str(skip)))
        assert had == context <= needed
        return
    (prompt,), truncated = format.encode(tokenizer, ["valve " * words])
    text = tokenizer.decode(prompt, skip_special_tokens=True)
    before, _, rest = TEMPLATES[name].text.partition("{categories}")
    listing = "\n\nCategories:\n" + "\n".join(LABELS.texts) if format.label_listed else ""
    slot = rest.partition("{document}")[2].partition("{label}")[0]
    assert text.startswith(before + listing + "\n\nText:\n")
    assert text.endswith(slot)
    assert format.longest_row <= context
    assert len(prompt) + format.longest_answer <= context
    assert (choice == "always") <= format.label_listed <= (choice != "never")
    document = tokenizer("valve " * words, add_special_tokens=False)["input_ids"]
    assert truncated == (len(document) > format.document_tokens)
    kept = prompt[len(format.head) : len(prompt) - len(format.tail)]
    assert kept == document[: format.document_tokens]


@pytest.mark.parametrize("name", FORMATS)
def test_labels_are_listed_by_themselves_where_that_costs_no_more_than_a_document(tokenizer, name):
    listing = "\n\nCategories:\n" + "\n".join(LABELS.texts)
    tokens = len(tokenizer(listing, add_special_tokens=False)["input_ids"])

    def listed(context, document_tokens):
        settings = {"document_tokens": document_tokens, "max_listed": 2}
        return prompt_of(tokenizer, LABELS, name, context, **settings).label_listed

    assert listed(4 * tokens, tokens) == (name != "yes-no")
    assert not listed(4 * tokens - 1, tokens), "more than a quarter of the context"
    assert not listed(400 * tokens, tokens - 1), "more than a document"


@pytest.mark.parametrize("template", [None, CHAT, CHAT.replace("{{ bos_token }}", "")])
@pytest.mark.parametrize("bos", [True, False], ids=["adds BOS", "adds none"])
def test_a_prompt_begins_with_at_most_one_bos(tmp_path, bos, template):
    if template:
        template = template.replace("<s>", "<turn>")
    tokenizer = tokenizer_of(tmp_path, bos=bos, chat_template=template)
    format = prompt_of(tokenizer, LABELS, "one-label", 2048)
    expected = bos if template is None else "bos_token" in template
    assert format.head[:2].count(tokenizer.bos_token_id) == expected


def test_a_template_that_writes_bos_twice_is_caught(tmp_path):
    tokenizer = tokenizer_of(tmp_path, chat_template="{{ bos_token }}" + CHAT)
    with pytest.raises(GuardError, match="twice"):
        prompt_of(tokenizer, LABELS, "one-label", 2048)


def test_a_chat_template_gives_the_turns_and_the_token_that_ends_one(tmp_path):
    tokenizer = tokenizer_of(tmp_path, chat_template=CHAT.replace("{{ bos_token }}", ""))
    format = prompt_of(tokenizer, LABELS, "one-label", 2048)
    (prompt,), _ = format.encode(tokenizer, ["a valve"])
    text = tokenizer.decode(prompt)
    assert text.startswith("<s>user\nRead the text")
    assert text.endswith("Text:\na valve\n\nCategory:</s>\n<s>assistant\n")
    assert format.end == tokenizer.convert_tokens_to_ids("</s>")
    assert tokenizer.decode(list(format.labels[4])) == "Sports"


@pytest.mark.parametrize(
    "today",
    ["{{ date_string }}", "\n{% set day = strftime_now('%d %b %Y') %}{{ day }}"],
    ids=["date_string", "strftime_now"],
)
def test_a_template_that_inserts_the_date_is_given_a_fixed_one(tmp_path, today):
    tokenizer = tokenizer_of(tmp_path, chat_template=today + CHAT)
    format = prompt_of(tokenizer, LABELS, "one-label", 2048)
    assert tokenizer.decode(list(format.head)).lstrip("\n").startswith("26 Jul 2024")


def test_a_template_that_drops_or_repeats_the_users_text_is_refused(tmp_path):
    for number, body in enumerate(["nothing", "{{ m.content }} {{ m.content }}"]):
        template = CHAT.replace("{{ m.content }}", body)
        tokenizer = tokenizer_of(tmp_path / str(number), chat_template=template)
        with pytest.raises(GuardError, match="exactly once"):
            prompt_of(tokenizer, LABELS, "one-label", 2048)


def test_a_tokenizer_that_cannot_end_an_answer_is_skipped(tokenizer, tmp_path):
    endless = tokenizer_of(tmp_path)
    endless.eos_token = None
    with pytest.raises(Skip, match="ends an answer"):
        prompt_of(endless, LABELS, "one-label", 2048)


def test_a_label_that_the_tokenizer_loses_is_named(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "cat": 2, "dog": 3}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    lossy = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", unk_token="<unk>")
    with pytest.raises(GuardError, match="'zebra'"):
        prompt_of(lossy, LabelSpace(("cat", "zebra")), "one-label", 2048)


def test_the_separator_of_a_list_is_one_that_no_label_contains(tokenizer):
    labels = LabelSpace(("a; b", "c"))
    format = prompt_of(tokenizer, labels, "list", 2048, max_listed=2)
    assert tokenizer.decode(list(format.separator)) == "|"
    with pytest.raises(GuardError, match="separators"):
        prompt_of(tokenizer, LabelSpace(("a; b | c", "d\ne")), "list", 2048)


def test_the_hash_changes_with_labels_listing_and_template(tokenizer):
    formats = [
        prompt_of(tokenizer, LABELS, "one-label", 2048),
        prompt_of(tokenizer, LABELS, "one-label", 2048, label_list="never"),
        prompt_of(tokenizer, LabelSpace(LABELS.names[1:]), "one-label", 2048),
        prompt_of(tokenizer, LABELS, "list", 2048),
    ]
    assert len({format.sha256 for format in formats}) == len(formats)
    again = prompt_of(tokenizer, LABELS, "one-label", 2048)
    assert again == formats[0]


@pytest.mark.parametrize("name", FORMATS)
def test_real_tokenizers_write_every_label_as_itself(real, name):
    format = prompt_of(real, LABELS, name, 4096, max_listed=3)
    for text, tokens in zip(LABELS.texts, format.labels, strict=True):
        assert real.decode(list(tokens)).strip() == text
    assert len(format.labels[LABELS.names.index("Sports")]) == 1
    assert format.head[:2].count(real.bos_token_id) <= 1
    (prompt,), truncated = format.encode(real, ["A valve for water."])
    assert not truncated
    text = real.decode(prompt)
    assert text.count("A valve for water.") == 1
    assert not any(slot in text for slot in SLOTS.values())


def test_no_document_or_label_can_spell_a_control_token(real):
    controls = {i: token for i, token in real.added_tokens_decoder.items() if str(token).strip()}
    hostile = " ".join(map(str, list(controls.values())[:40]))
    names = {str(token) for token in list(controls.values())[:5] if token.special}
    labels = LabelSpace(tuple(sorted({"Sports", *names})))
    settings = {"label_list": "never", "document_tokens": 4000}
    format = prompt_of(real, labels, "one-label", 8192, **settings)
    (prompt,), _ = format.encode(real, [hostile])
    document = prompt[len(format.head) : len(prompt) - len(format.tail)]
    assert controls.keys().isdisjoint(document)
    assert all(controls.keys().isdisjoint(tokens) for tokens in format.labels)
    assert not controls.keys().isdisjoint(real(hostile, add_special_tokens=False)["input_ids"])
