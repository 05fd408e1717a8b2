"""A method behind an adapter: what it finds is told in pixels of the frame that was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from inspection.methods.base import Finding, Method, State
from inspection.migrate.adapt import Adapter, adapter
from inspection.migrate.errors import MigrationError
from inspection.migrate.survey import Survey


class Relocated:
    """A method of one station on frames of another."""

    def __init__(self, method: Method, adapt: Adapter) -> None:
        self.kind = method.kind
        self._method, self._adapt = method, adapt

    def inspect(
        self, image: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None
    ) -> Finding:
        """Judge a frame of this station; a reference is one of the station that taught.

        ValueError when the frame is not of this station's camera.
        """
        finding = self._method.inspect(self._adapt(image), reference)
        found, heat = finding.detections, finding.score_map
        moved = Detections(
            self._adapt.boxes_here(found.boxes_px), found.scores, found.labels, found.names
        )
        heat = None if heat is None else self._adapt.map_here(heat)
        return replace(finding, detections=moved, score_map=heat)

    def to_state(self) -> State:
        """What the method learned; the station is the job's."""
        return self._method.to_state()

    @classmethod
    def from_state(cls, state: State, settings: Mapping[str, Any]) -> Self:
        """A job restores its method and its station apart."""
        raise MigrationError("a moved method is restored by its job, not from a state alone")


def relocated(method: Method, station: Mapping[str, Any]) -> Method:
    """The method on the station that a job's `station` names; itself where that is its home."""
    if "here" not in station:
        return method
    here, home = station["here"], station.get("home", {})
    if not isinstance(here, dict) or not isinstance(home, dict):
        raise MigrationError("the job's station is not one: move the job again")
    return Relocated(
        method, adapter(Survey.from_json(here), Survey.from_json(home.get("survey", {})))
    )
