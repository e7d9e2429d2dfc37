"""Small WIPO-Alpha trees for tests, as folders and as archives."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from benchbench_wipo_alpha.wipo_dataset import WipoAlpha

from benchbench.contract.parameters import resolve

MAINS = ("A01B00116", "A01C00102", "B65D00506", "H04L01212")


def document(number, code="A01B00116", *, others=(), an="", body=None, head=None, end="</record>"):
    """Return an XML document in WIPO-Alpha's format; `body` replaces the four texts."""
    head = '<?xml version="1.0" encoding="iso-8859-1"?>\n' if head is None else head
    texts = (
        f'<tis><ti xml:lang="EN">title {number}</ti></tis>\n'
        f'<abs><ab xml:lang="EN">abstract of number {number}</ab></abs>\n'
        f'<cls><cl xml:lang="EN">claims of number {number}</cl></cls>\n'
        f'<txts><txt xml:lang="EN">description of number {number}</txt></txts>\n'
    )
    secondary = "".join(f'<ipc ic="{other}"/>' for other in others)
    return (
        f'{head}<record cy="WO" an="{an}" pn="WO{number}" dnum="{number}" kind="A1">\n'
        f'<ipcs ed="7" mc="{code}">{secondary}</ipcs>\n'
        f"<pas><pa>Works Ltd</pa></pas><ins><in>A. Smith</in></ins>\n"
        f"{texts if body is None else body}{end}\n"
    )


def place(half, number, code):
    """Return the path of a document under the root."""
    return f"{half}/{code[0]}/{code[1:3]}/{code[3]}/{code[4:7]}/{number}.xml"


def files(count=24, **more):
    """Return a good collection, path -> text: two thirds in train, every code in both halves."""
    contents = {}
    for number in range(count):
        code = MAINS[number % len(MAINS)]
        half = "test" if number % 3 == 0 else "train"
        contents[place(half, number, code)] = document(number, code, an=f"AN{number}", **more)
    return contents


def as_bytes(content):
    return content if isinstance(content, bytes) else content.encode("iso-8859-1")


def write_folder(root: Path, contents) -> Path:
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content))
    return root


def write_zip(path: Path, contents) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, as_bytes(content))
    return path


def write_tar(path: Path, contents) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in contents.items():
            data = as_bytes(content)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def settled(path, **params):
    """Return a value for every parameter, as the core passes them."""
    values, faults = resolve("wipo-alpha", WipoAlpha.parameters, {"path": str(path), **params})
    assert not faults, faults
    return {**values, "split_seed": 0}
