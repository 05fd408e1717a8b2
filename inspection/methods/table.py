"""Which methods exist: one list, as data. Nothing is imported until a method is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from common.errors import LingnanError
from inspection.methods.base import Method, State, Teach


class UnknownMethodError(LingnanError):
    """A job or a command names a method that is not in the table."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no method is called {kind!r}; there are: {', '.join(METHODS)}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A method's two doors, each "module:name": how it learns and the class that restores it."""

    teach: str
    taught: str


METHODS: dict[str, Entry] = {
    "golden": Entry("inspection.methods.golden:teach", "inspection.methods.golden:Golden"),
    "anomaly": Entry("inspection.methods.anomaly:teach", "inspection.methods.anomaly:Anomaly"),
    "segment": Entry("inspection.methods.segment:teach", "inspection.methods.segment:Segment"),
}


def _entry(kind: str) -> Entry:
    if kind not in METHODS:
        raise UnknownMethodError(kind)
    return METHODS[kind]


def _load(reference: str) -> Any:
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)


def teacher(kind: str) -> Teach:
    """The function that teaches method `kind`; UnknownMethodError names those there are."""
    return cast(Teach, _load(_entry(kind).teach))


def restore(kind: str, state: State, settings: Mapping[str, Any]) -> Method:
    """The taught method back from what a job file holds."""
    return cast(Method, _load(_entry(kind).taught).from_state(state, settings))
