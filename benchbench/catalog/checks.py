"""Whether a thing that a plugin supplies has the members that its protocols ask for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from benchbench.contract import (
    Backbone,
    BackboneFolder,
    Configurable,
    Dataset,
    Executor,
    Generator,
    HasAddress,
    HasLicence,
    HasRequirements,
    HasShape,
    HasTokenizer,
    HasWorkload,
    MayBeRemote,
    Method,
    PluginError,
)
from benchbench.machine import one_line

REQUIRED: Mapping[str, type[Any]] = {
    "dataset": Dataset, "method": Method, "backbone": Backbone, "executor": Executor,
}  # fmt: skip
OPTIONAL: Mapping[str, tuple[type[Any], ...]] = {
    "method": (HasRequirements, HasWorkload),
    "backbone": (HasShape, HasTokenizer, HasAddress, HasLicence),
    "executor": (Configurable, MayBeRemote),
}
NEARLY = 0.85
"""The difflib ratio from which a name counts as misspelled: `license` for `licence` has 0.86."""


def check_item(plugin: str, noun: str, item: Any) -> None:
    """Raise PluginError unless `item` is what the hook of its noun asks for.

    An optional member that is misspelled is an error too: nothing would ever use it.
    """
    if isinstance(item, BackboneFolder) and noun == "backbone":
        return
    if isinstance(item, type):
        raise PluginError(
            f"Plugin {plugin!r} supplies the class {item.__name__} as a {noun}; "
            f"supply an object: {item.__name__}()."
        )
    generates = noun == "dataset" and hasattr(item, "generate")
    protocol = Generator if generates else REQUIRED[noun]
    required, options = members_of(protocol), OPTIONAL.get(noun, ())
    optional = {name for option in options for name in members_of(option)}
    nearly = _nearly(item, required | optional)
    _check_required(plugin, noun, item, protocol, nearly)
    for attribute, member in nearly.items():
        raise PluginError(
            f"Plugin {plugin!r}: {noun} {item.name!r} has an attribute '{attribute}', which "
            f"benchbench does not use. Did you mean '{member}'? To keep it as it is, begin its "
            f"name with an underscore: '_{attribute}'."
        )
    for option in options:
        _check_whole(plugin, noun, item, option)


def members_of(protocol: type[Any]) -> set[str]:
    """Return the names of a protocol's members."""
    return {name for name in vars(protocol) if not name.startswith("_")}


def _check_required(
    plugin: str, noun: str, item: Any, protocol: type[Any], nearly: Mapping[str, str]
) -> None:
    missing = [name for name in sorted(members_of(protocol)) if not _has(plugin, noun, item, name)]
    if not missing:
        return
    hints = [f" Did you mean '{member}' by '{attribute}'?" for attribute, member in nearly.items()]
    raise PluginError(
        f"Plugin {plugin!r} supplies a {noun} that lacks {', '.join(missing)}: {item!r}. "
        f"See benchbench.{protocol.__name__}.{''.join(hints)}"
    )


def _has(plugin: str, noun: str, item: Any, name: str) -> bool:
    """Say whether an item has a member. Looking at a property runs code of the plugin."""
    try:
        return hasattr(item, name)
    except Exception as error:
        raise PluginError(
            f"Plugin {plugin!r}: '{name}' of a {noun} raised {one_line(error)}"
        ) from error


def _nearly(item: Any, members: Iterable[str]) -> dict[str, str]:
    """Map public attributes to the absent members that they are most likely meant to be.

    The names alone are compared, so no property of the item runs.
    """
    attributes = {name for name in dir(item) if not name.startswith("_")}
    absent = sorted(set(members) - attributes)
    near = {
        attribute: difflib.get_close_matches(attribute, absent, n=1, cutoff=NEARLY)
        for attribute in sorted(attributes - set(members))
    }
    return {attribute: matches[0] for attribute, matches in near.items() if matches}


def _check_whole(plugin: str, noun: str, item: Any, option: type[Any]) -> None:
    """Raise PluginError where an item has some members of an optional protocol and lacks others."""
    members = members_of(option)
    lacking = sorted(members - set(dir(item)))
    if lacking and len(lacking) < len(members):
        present = ", ".join(sorted(members - set(lacking)))
        raise PluginError(
            f"Plugin {plugin!r}: {noun} {item.name!r} has '{present}' and lacks "
            f"'{', '.join(lacking)}'; they go together. See benchbench.{option.__name__}."
        )
