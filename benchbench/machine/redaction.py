"""Keeps secrets, names and folders of the user out of records, boards, logs and messages.

`redact` is for what the user's own terminal shows: no secret is in it. `published` is for what is
stored, since every stored record may be published: it also tells no folder, user or host.
"""

from __future__ import annotations

import base64
import getpass
import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

TOKEN_SHAPES = re.compile(r"\b(?:hf|sk|ghp|gho|glpat|xox[abp])[-_][A-Za-z0-9_\-]{8,}")
SECRET_NAMES = re.compile(r"TOKEN|KEY|SECRET|PASSWORD", re.IGNORECASE)
SHORTEST = 8
"""Shorter values of such variables are words like 'true'; they are left in the text."""
SHORTEST_PASSWORD = 4
"""The shortest password of a URL in a variable that is looked for outside its URL, too."""
LOGIN = re.compile(r"://([^/\s:@'\"]*):([^/\s'\"]*)@")
CREDENTIALS = re.compile(r"(?<=://)[^/\s'\"?#]*@")
URL_SECRET = re.compile(
    r"([?&][\w-]*(?:token|key|secret|password|passwd|signature|sig|auth)=)[^&\s'\"]+", re.IGNORECASE
)
HEADER = re.compile(
    r"(authorization['\"]?\s*[:=]\s*['\"]?)(?:(?:basic|bearer)\s+)?[^\s'\",}]+", re.IGNORECASE
)

SCHEME = re.compile(r"\b([a-z][a-z0-9+.-]*:)//+(?=/)", re.IGNORECASE)
START = r"(?:~[\w.-]*(?=/)|\.{1,2}(?=/))"
QUOTED_PATH = re.compile(rf"(['\"`])({START}?/[^'\"`\n]*)\1")
PART = r"/+[^\s/'\"`,;:()\[\]{}<>|=]+"
BARE_PATH = re.compile(rf"(?<![\w./~<])(?:{START}(?:{PART})+|(?:(?<!:)|(?!//))(?:{PART}){{2,}})/*")
"""A path that stands between words; what follows :// is the host of a URL."""
PACKAGES = ("site-packages", "dist-packages")
HOMES = ("home", "Users")
"""The folders that hold home folders: what stands right below them is a user's name."""
IMPERSONAL = {
    "admin", "data", "debian", "docker", "guest", "home", "host", "jovyan", "label", "localdomain",
    "localhost", "model", "nobody", "root", "runner", "test", "text", "train", "ubuntu", "user",
    "users",
}  # fmt: skip
"""Names of users and hosts that tell nobody, and words that occur in any message."""

LONGEST_REASON, LONGEST_TRACEBACK = 500, 2**16
"""The most characters of a reason, which is a line of a table, and of a traceback in a record."""
LEFT_OUT = " [...] "


def redact(text: str) -> str:
    """Return `text` without tokens, passwords of URLs and secrets of this process's environment.

    The user's home is written as ~.
    """
    # the longest first, since one secret may begin with another
    for secret, name in sorted(_secrets(), key=lambda pair: -len(pair[0])):
        text = text.replace(secret, f"[{name}]")
    text = CREDENTIALS.sub(_without_login, text)
    text = HEADER.sub(r"\1[redacted]", URL_SECRET.sub(r"\1[redacted]", text))
    home = Path("~").expanduser()
    if len(home.parts) > 1:
        text = re.sub(rf"(?<![\w.-]){re.escape(str(home))}(?![\w-]|\.\w)", "~", text)
    return TOKEN_SHAPES.sub("[redacted]", text)


def published(text: str, paths: Iterable[tuple[str, str]] = ()) -> str:
    """Return `text` as a record or a board may hold it.

    It tells no secret, no name of the user or host, and of a path only the name of the file; of
    a file of a package, its path from there. `paths` are (path, name) of paths that are known,
    which are found even where they do not look like one.
    """
    for path, name in sorted(paths, key=lambda pair: -len(pair[0])):
        text = text.replace(path, name).replace(redact(path), name)
    text = SCHEME.sub(r"\1", redact(text))
    text = QUOTED_PATH.sub(lambda match: match[1] + _told(match[2]) + match[1], text)
    text = BARE_PATH.sub(lambda match: _told(match[0]), text)
    for name, kind in _own_names().items():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"[{kind}]", text)
    return text


def published_json(value: Any, paths: Iterable[tuple[str, str]] = ()) -> Any:
    """Return plain data with every text in it as `published` returns it, names included."""
    if isinstance(value, str):
        return published(value, paths)
    if isinstance(value, Mapping):
        return {
            published_json(name, paths): published_json(inner, paths)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [published_json(inner, paths) for inner in value]
    return value


def one_line(error: BaseException) -> str:
    """Return an exception as one short line without secrets: its type and its message."""
    message = str(error)
    name = type(error).__name__
    return in_one_line(f"{name}: {message}" if message else name)


def in_one_line(text: str) -> str:
    """Return a text as one line of at most 500 characters without secrets."""
    return shortened(" ".join(redact(text).split()), LONGEST_REASON)


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters: where it is longer, its middle is left out.

    >>> shortened("a long message that ends with the cause", 20)
    'a long [...] e cause'
    """
    if len(text) <= most:
        return text
    kept = most - len(LEFT_OUT)
    return text[: kept - kept // 2] + LEFT_OUT + text[len(text) - kept // 2 :]


def _secrets() -> Iterator[tuple[str, str]]:
    """Yield (secret, name of its variable): whole values, and the passwords of proxies' URLs."""
    for name, value in os.environ.items():
        if SECRET_NAMES.search(name) and len(value) >= SHORTEST:
            yield value, name
        for user, password in LOGIN.findall(value):
            login = f"{unquote(user)}:{unquote(password)}"
            encoded = base64.b64encode(login.encode()).decode()
            for secret in (password, unquote(password), encoded):
                if len(secret) >= SHORTEST_PASSWORD:
                    yield secret, name


def _without_login(match: re.Match[str]) -> str:
    """Return what stands for the login of a URL; the name of a variable in it stays."""
    names = re.findall(r"\[\w+\]", match[0])
    return f"{names[0] if names else '[redacted]'}@"


def _told(path: str) -> str:
    """Return what is told of a path: from its package on, else the name of the file."""
    parts = PurePath(path).parts
    for folder in PACKAGES:
        if folder in parts[:-1]:
            return "/".join(parts[len(parts) - parts[::-1].index(folder) :])
    if len(parts) == 3 and parts[1] in HOMES:
        return "~"
    if path.endswith(".py") and (module := _from_its_package(Path(path).expanduser())):
        return module
    return parts[-1] if parts[-1] not in ("/", "..", "~") else path


def _from_its_package(path: PurePath) -> str:
    """Return the path of a source file from the folder that its package was imported from."""
    for root in filter(None, sys.path):
        if path.is_relative_to(root):
            inner = path.relative_to(root)
            if inner.parts and inner.parts[0].removesuffix(".py") in sys.modules:
                return inner.as_posix()
    # an editable installation is on no search path, but its modules know their files
    for name, module in list(sys.modules.items()):
        if name != "__main__" and getattr(module, "__file__", None) == str(path):
            folders = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            return "/".join([*folders, path.name])
    return ""


@cache
def _own_names_of(user: str, home: str, host: str) -> dict[str, str]:
    names = {user: "user", home: "user", host: "host", host.partition(".")[0]: "host"}
    return {
        name: kind
        for name, kind in names.items()
        if len(name) > 2 and name.lower() not in IMPERSONAL and not name.isdecimal()
    }


def _own_names() -> dict[str, str]:
    """Map the names of this user and of this host to what stands for them."""
    user = home = ""
    with suppress(KeyError, OSError, RuntimeError):  # a container may know no name for the user
        home = Path("~").expanduser().name
        user = getpass.getuser()
    return _own_names_of(user, home, socket.gethostname())
