"""Forging a published leaderboard as somebody would who knows its form: every checksum matches."""

from __future__ import annotations

import io
import json
import zipfile
from hashlib import sha256

import pyarrow.parquet as pq

from benchbench.machine import canonical, digest
from benchbench.publishing.archive import archive_bytes


def repack(folder, change, name="board"):
    """Write the archive again; `change(name, content)` gives (name, content), content, or None."""
    path = folder / f"{name}.zip"
    changed = []
    for member, content in members(path).items():
        new = change(member, content)
        if new is not None:
            changed.append(new if isinstance(new, tuple) else (member, new))
    path.write_bytes(archive_bytes(changed))


def members(path):
    """Return the files of an archive, by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resealed(content, change):
    """Change a JSON file and give it a matching checksum."""
    data = json.loads(content)
    data.pop("sha256")
    change(data)
    return canonical(data | {"sha256": digest(data)})


def predictions(table):
    """Return (the name, the bytes) of a file of predictions, whose name is its sha256."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return f"predictions/{sha256(out.getvalue()).hexdigest()}.parquet", out.getvalue()


def forge_record(files, old, change):
    """Change a record of an archive's files and sign it, its key, its place and the board's entry.

    `old` is the name of its file; returns the new one.
    """
    data = json.loads(files.pop(old))
    data.pop("sha256")
    before = data["id"], data["key"]
    change(data)
    data["id"] = digest(data["cell"])
    data["key"] = digest(data["identity"])
    new = f"runs/{data['id']}/{data['key']}-{data['attempt']}.json"
    files[new] = canonical(data | {"sha256": digest(data)})

    def enter(board):
        for entry in board["cells"]:
            if (entry["id"], entry["key"]) == before:
                entry.update(cell=data["cell"], id=data["id"], key=data["key"])

    board = next(name for name in files if name.startswith("boards/"))
    files[board] = resealed(files[board], enter)
    return new
