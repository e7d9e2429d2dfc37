"""What libraries raise while they load a model, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchbench import Skip
from benchbench_backbones.checkpoint import Checkpoint
from benchbench_backbones.weight_sources import HubRepository, Source


@contextmanager
def explained(source: Source, checkpoint: Checkpoint, kind: str) -> Iterator[None]:
    """Turn what libraries raise while they load into a Skip of one line."""
    from safetensors import SafetensorError

    name = checkpoint.name
    try:
        yield
    except SafetensorError as error:
        raise Skip(f"{name}: damaged weights ({first_line(error)}); download it again") from error
    except OSError as error:
        if isinstance(source, HubRepository):
            raise source.missing(checkpoint.revision or "main", first_line(error)) from error
        raise Skip(f"{name}: {first_line(error)}") from error
    except (ValueError, ImportError, NotImplementedError) as error:
        raise Skip(f"{name}: {_unsupported(error, kind)}") from error
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):
            raise
        raise Skip(
            f"{name}: the weights have other shapes than config.json says; download both again"
        ) from error


def _unsupported(error: Exception, kind: str) -> str:
    """Say in one line why transformers refuses a model."""
    text = str(error)
    if "trust_remote_code" in text:
        return "the model needs code from its own repository, which benchbench does not run"
    if "Unrecognized configuration" in text:
        return f"transformers has no {kind} class for this type of model"
    if "tiktoken" in text:  # its guess for every tokenizer.model that it cannot read
        from transformers.utils import is_protobuf_available

        if not is_protobuf_available():
            return "reading tokenizer.model needs a package; run `pip install protobuf`"
        return (
            "tokenizer.model is no SentencePiece file; add the tokenizer.json of the model's "
            "publisher"
        )
    return first_line(error)


def first_line(error: Exception) -> str:
    """Return the first line of a message, of at most 300 characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
