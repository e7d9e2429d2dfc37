"""Secrets stay out of whatever is written."""

from __future__ import annotations

import os

import pytest

from benchbench.machine.redaction import LONGEST_REASON, in_one_line, one_line, redact, shortened

CANARY = "hf_CANARYcanaryCANARYcanary0123456789"


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch):

    for name in list(os.environ):
        if any(word in name.upper() for word in ("TOKEN", "KEY", "SECRET", "PASSWORD")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "message",
    [
        "401 for https://user:{}@huggingface.co/x",
        "token={}",
        "'{}'",
        "Bearer {}.",
        "{0}{0}",
        "a\n{}\nb",
    ],
)
def test_a_token_of_the_environment_is_not_told(monkeypatch, message):
    monkeypatch.setenv("HF_TOKEN", CANARY)
    told = redact(message.format(CANARY))
    assert "CANARY" not in told
    assert "[HF_TOKEN]" in told
    assert "CANARY" not in one_line(RuntimeError(message.format(CANARY)))


@pytest.mark.parametrize(
    "token",
    [CANARY, "sk-proj-CANARY0123456789", "ghp_CANARY0123456789", "glpat-CANARY0123456789"],
)
def test_what_looks_like_a_token_is_not_told_though_it_is_in_no_variable(token):
    assert "CANARY" not in redact(f"failed with {token}!")
    assert redact(f"failed with {token}!").startswith("failed with [redacted]")


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS", "my_api_key", "DB_PASSWORD", "X_TOKEN_Y"])
def test_values_of_variables_named_like_secrets_are_not_told(monkeypatch, name):
    monkeypatch.setenv(name, "correct horse battery")
    assert redact("used correct horse battery here") == f"used [{name}] here"


def test_a_secret_that_begins_with_another_is_gone_whole(monkeypatch):
    monkeypatch.setenv("A_TOKEN", "abcdefgh")
    monkeypatch.setenv("B_TOKEN", "abcdefghIJKL")
    assert redact("x abcdefghIJKL y abcdefgh z") == "x [B_TOKEN] y [A_TOKEN] z"


def test_plain_text_stays(monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    text = "the task-key is false; risk_assessment of hf_hub at sk-1"
    assert redact(text) == text


def test_an_exception_is_one_line_with_its_type():
    assert one_line(ValueError("a\n  b\tc")) == "ValueError: a b c"
    assert one_line(KeyboardInterrupt()) == "KeyboardInterrupt"


def test_the_home_folder_is_not_named(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    shown = redact("not in /home/somebody/.cache/hub, nor in /home/somebodyelse/x")
    assert shown == "not in ~/.cache/hub, nor in /home/somebodyelse/x"


def test_a_reason_is_one_line_of_at_most_500_characters():
    reason = one_line(ValueError("what\nhappened " + "x" * 5_000_000 + " the cause"))
    assert len(reason) == LONGEST_REASON == 500
    assert reason.startswith("ValueError: what happened xxx")
    assert reason.endswith("xxx the cause")
    assert in_one_line(reason) == reason


def test_a_secret_is_not_cut_in_two_and_left():
    text = in_one_line("a" * 240 + f" {CANARY} " + "b" * 600)
    assert "hf_" not in text
    assert "CANARY" not in text


@pytest.mark.parametrize("most", [7, 8, 20, 21])
def test_what_is_shortened_has_the_length_that_is_asked_for(most):
    assert len(shortened("0123456789" * 5, most)) == most
    assert shortened("short", most) == "short"
