"""Calls the watchers of a run. One that raises stops neither the cell nor the other watchers."""

from __future__ import annotations

from typing import Any

from benchbench.machine import one_line
from benchbench.running.run_state import warn_once


def call_watchers(hook: Any, **facts: Any) -> None:
    """Call every plugin that implements a hook of watchers; say which one raises, and go on."""
    watchers = hook.get_hookimpls()
    if any(watcher.wrapper or watcher.hookwrapper for watcher in watchers):
        _guarded("one of the watchers", hook, facts)  # a wrapper has to be around all others
        return
    for watcher in reversed(watchers):
        given = {name: facts[name] for name in watcher.argnames if name in facts}
        _guarded(f"watcher '{watcher.plugin_name}'", watcher.function, given)


def _guarded(who: str, function: Any, facts: dict[str, Any]) -> None:
    try:
        function(**facts)
    except Exception as error:
        warn_once(f"{who} raised {one_line(error)}")
