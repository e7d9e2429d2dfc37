"""Secrets stay out of whatever is written."""

from __future__ import annotations

import json
import os

import pytest

from benchbench.machine.redaction import (
    LONGEST_REASON,
    in_one_line,
    one_line,
    published,
    published_json,
    redact,
    shortened,
)

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


def test_no_password_of_a_url_is_told_in_it_or_alone(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:p%40ss-canary@proxy:3128")
    shown = redact(
        "http://me:p%40ss-canary@proxy:3128 refused p@ss-canary and bWU6cEBzcy1jYW5hcnk="
    )
    assert shown == "http://[HTTPS_PROXY]@proxy:3128 refused [HTTPS_PROXY] and [HTTPS_PROXY]"
    assert redact("git+https://a:b@host/x?key=1&api_key=c d") == (
        "git+https://[redacted]@host/x?key=[redacted]&api_key=[redacted] d"
    )
    assert redact("{'Authorization': 'Basic bWU6cA=='}") == "{'Authorization': '[redacted]'}"


PATHS = {
    "no file /srv/of acme/x/t.csv:3: bad": "no file of acme/x/t.csv:3: bad",
    "[Errno 2] No such file: '/srv/of acme/t.csv'": "[Errno 2] No such file: 't.csv'",
    'File "/opt/venv/lib/site-packages/torch/nn.py", line 3': 'File "torch/nn.py", line 3',
    f'File "{json.__file__}", line 3': 'File "json/__init__.py", line 3',
    "file:///srv/acme/t.csv and sqlite:////srv/acme/db": "file:t.csv and sqlite:db",
    "path=/srv/acme/t.csv, ../acme/u.csv (~/acme/v.csv)": "path=t.csv, u.csv (v.csv)",
    "in /home/somebody and at /home/somebody/x": "in ~ and at x",
    "see https://example.org/a/b, org/name, </s> and 3/4 at 5 /s": (
        "see https://example.org/a/b, org/name, </s> and 3/4 at 5 /s"
    ),
}


@pytest.mark.parametrize("text", PATHS)
def test_a_published_path_is_the_name_of_its_file_or_its_place_in_a_package(text):
    assert published(text) == PATHS[text]


def test_a_known_path_is_found_where_it_does_not_look_like_one(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    known = (("/home/somebody/of acme/t.csv", "t.csv"), ("data/acme", "acme"))
    assert published("~/of acme/t.csv in data/acme", known) == "t.csv in acme"


def test_the_names_of_the_user_and_of_the_host_are_not_published(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("LOGNAME", "someone")
    monkeypatch.setattr("socket.gethostname", lambda: "quokka.example.org")
    data = {"a": ["someone at quokka", {"b": "somebody@quokka.example.org"}], "c": 1, "d": None}
    assert published_json(data) == {
        "a": ["[user] at [host]", {"b": "[user]@[host]"}], "c": 1, "d": None,
    }  # fmt: skip
    assert published("someones quokkas stay") == "someones quokkas stay"
    monkeypatch.setenv("LOGNAME", "root")
    assert published("the root of a tree") == "the root of a tree"
