"""One class for every backbone: from a card, a local folder, a GGUF file, a hub id."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchbench import Address, BenchbenchError, LoadedModel, Parameter, Params, Shape
from benchbench.kit.model_shape import shape_of
from benchbench.kit.typed_parameters import read_parameters
from benchbench_backbones import loading
from benchbench_backbones.cards import CARDS, Card
from benchbench_backbones.gguf_file import GgufFile
from benchbench_backbones.load_options import PARAMETERS, LoadOptions
from benchbench_backbones.shapes import SHAPES
from benchbench_backbones.weight_sources import Folder, HubRepository, Source

ENCODERS = ("albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra",
            "ernie", "eurobert", "modernbert", "mpnet", "nomic_bert", "roberta",
            "xlm-roberta")  # fmt: skip
"""The encoders, by the model type in their configuration. All other types are causal LMs."""
GGUF = ".gguf"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class PretrainedModel:
    """A model that transformers can load, not yet in memory; `kind` is causal-lm or encoder."""

    name: str
    kind: str
    family: str
    description: str
    source: Source
    licence: str = ""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes. By default a causal LM is quantised and an encoder is not."""
        return PARAMETERS[self.kind]

    @classmethod
    def from_card(cls, card: Card) -> PretrainedModel:
        """Return the model of a card."""
        source = HubRepository(card.hub_id, card.gated)
        return cls(card.name, card.kind, card.family, card.description, source, card.licence)

    @classmethod
    def from_folder(cls, folder: Path) -> PretrainedModel:
        """Return the model of a local folder; its family is the configuration's model type."""
        path = folder.resolve()
        family = str(_configuration(path).get("model_type", "unknown"))
        return cls(path.name, _kind(family), family, f"local folder {path}", Folder(path))

    @classmethod
    def from_gguf(cls, path: Path) -> PretrainedModel:
        """Return the model of a GGUF file; its family is the architecture in the file's header."""
        file = GgufFile(path.resolve())
        family = file.header().architecture
        return cls(path.stem, _kind(family), family, f"GGUF file {file.path}", file)

    @classmethod
    def from_hub(cls, hub_id: str) -> PretrainedModel:
        """Return the model of a hub id.

        A hub id that has a card keeps the card's kind, family and licence. The kind and family
        of any other come from its configuration in the local hub cache. Without one it is taken
        for a causal LM.
        """
        name = hub_id.partition("/")[2].lower()
        for card in CARDS:
            if card.hub_id == hub_id:
                return replace(cls.from_card(card), name=name)
        source = HubRepository(hub_id)
        cached = source.cached_configuration()
        family = str(_configuration(cached.parent).get("model_type")) if cached else "unknown"
        return cls(name, _kind(family), family, f"{hub_id} on the hub", source)

    def identity(self, params: Params, *, offline: bool) -> str:
        """Return the sha256 of the files or a hub commit; raise Skip where absent."""
        options = read_parameters(LoadOptions, params)
        return self._chosen(options).identity(options.revision, offline=offline)

    def shape(self) -> Shape | None:
        """Return its sizes from its configuration or its card, None where both are absent."""
        if isinstance(self.source, Folder):
            return shape_of(_configuration(self.source.path), self.kind)
        if isinstance(self.source, GgufFile):
            return shape_of(self.source.header().configuration(), self.kind)
        card_names = {card.hub_id: card.name for card in CARDS}
        shape = SHAPES.get(card_names.get(self.source.hub_id, ""))
        if shape is None and (cached := self.source.cached_configuration()):
            return shape_of(_configuration(cached.parent), self.kind)
        return shape

    def tokenizer(self, params: Params) -> Any:
        """Return its tokenizer; raise Skip where it cannot be had here."""
        options = read_parameters(LoadOptions, params)
        return loading.tokenizer_of(self._chosen(options), self.kind, options)

    def address(self, params: Params) -> Address:
        """Return where its weights are found; a GGUF file is not read as it is."""
        options = read_parameters(LoadOptions, params)
        chosen, source = self._chosen(options), self.source
        hub_id = source.hub_id if isinstance(source, HubRepository) else ""
        if isinstance(chosen, HubRepository):
            commit = chosen.cached_commit(options.revision) or options.revision
            return Address(hub_id, commit, hub_id)
        return Address(hub_id, "", str(chosen.path) if isinstance(chosen, Folder) else "")

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Bring the model into memory; raise Skip where it cannot be had here."""
        options = read_parameters(LoadOptions, params)
        return loading.load(self._chosen(options), self.kind, options, device=device, dtype=dtype)

    def _chosen(self, options: LoadOptions) -> Source:
        """Return where the weights are read from: the path in the options, else its own source.

        Raises BenchbenchError where the path leads to nothing or to a model of another kind.
        """
        if not options.path:
            return self.source
        local = resolve_path(options.path)
        if local is None:
            raise BenchbenchError(
                f"backbone '{self.name}': path '{options.path}' is no folder and no .gguf file"
            )
        if local.kind != self.kind:
            raise BenchbenchError(
                f"backbone '{self.name}' is of kind {self.kind}, and path '{options.path}' holds "
                f"one of kind {local.kind} ({local.family}); give the same model"
            )
        return local.source


def resolve(reference: str) -> PretrainedModel | None:
    """Return the model that `reference` stands for: a folder, a GGUF file, else a hub id.

    Raises BenchbenchError for a path to nothing, and for a file of another kind.
    """
    if local := resolve_path(reference):
        return local
    if Path(reference).expanduser().is_file():
        raise BenchbenchError(
            f"backbone '{reference}' is a file; give the folder that holds config.json and "
            "*.safetensors, or a .gguf file"
        )
    if reference.startswith((".", "/", "~")) or reference.lower().endswith(GGUF):
        raise BenchbenchError(
            f"backbone '{reference}': no such folder or file; give the path of a folder with "
            "config.json and *.safetensors, the path of a .gguf file, a name from `benchbench ls "
            "backbones`, or a hub id ORG/NAME"
        )
    return PretrainedModel.from_hub(reference) if HUB_ID.fullmatch(reference) else None


def resolve_path(reference: str) -> PretrainedModel | None:
    """Return the model of an existing folder or GGUF file, None for any other text."""
    path = Path(reference).expanduser()
    if path.is_dir():
        return _from_directory(path)
    is_gguf = path.is_file() and path.suffix.lower() == GGUF
    return PretrainedModel.from_gguf(path) if is_gguf else None


def _from_directory(folder: Path) -> PretrainedModel:
    """Return the model of a folder; of one that holds nothing but a GGUF file, that file's."""
    files = [] if (folder / "config.json").is_file() else sorted(folder.glob(f"*{GGUF}"))
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:3])
        raise BenchbenchError(
            f"{folder}: {len(files)} .gguf files ({names}{', ...' * (len(files) > 3)}) and no "
            "config.json; give the path of one of these files"
        )
    return PretrainedModel.from_gguf(files[0]) if files else PretrainedModel.from_folder(folder)


def _kind(family: str) -> str:
    return "encoder" if family in ENCODERS else "causal-lm"


def _configuration(folder: Path) -> Mapping[str, Any]:
    """Return the folder's configuration, empty where it cannot be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
