"""Which experiments there are, from the installed directions and the shared ground."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from common.acceptance.experiment import Experiment
from common.directions import Direction, installed
from common.errors import LingnanError

GROUND = Direction("common", "common")


@dataclass(frozen=True, slots=True)
class Planned:
    """An experiment, the direction it belongs to and the ids asked for."""

    direction: Direction
    experiment: Experiment
    ids: tuple[str, ...]

    @property
    def name(self) -> str:
        """Unique over all directions, e.g. "inspection.detection"."""
        return f"{self.direction.package}.{self.experiment.name}"


@dataclass(slots=True)
class Plan:
    """What will run, and the directions that could not be loaded: folder -> reason."""

    experiments: list[Planned] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def room(direction: Direction) -> str:
    """The module of a direction that holds its EXPERIMENTS."""
    return "acceptance.ground" if direction == GROUND else "acceptance"


def experiments_of(direction: Direction) -> tuple[Experiment, ...]:
    """A direction's EXPERIMENTS; names checked to be unique."""
    experiments: tuple[Experiment, ...] = tuple(direction.load(room(direction)).EXPERIMENTS)
    names = [experiment.name for experiment in experiments]
    if len(set(names)) != len(names):
        raise LingnanError(f"{direction.package}: two experiments share a name in {names}")
    return experiments


def choose(words: Iterable[str]) -> tuple[Direction, ...]:
    """The directions named by short command or folder; all of them where none is named."""
    known = (*installed(), GROUND)
    chosen = []
    for word in words:
        found = next((d for d in known if word in (d.name, d.package)), None)
        if found is None:
            names = ", ".join(d.name for d in known)
            raise LingnanError(f"no direction is called {word!r}; installed: {names}")
        if found not in chosen:
            chosen.append(found)
    return tuple(chosen) or known


def matches(indicator_id: str, only: str | None) -> bool:
    """Whether `only` is the id or a leading part of it that ends at a separator."""
    if not only or indicator_id == only:
        return True
    return indicator_id.startswith(only) and (only[-1] in "-/." or indicator_id[len(only)] in "-/.")


def plan(directions: Sequence[Direction], only: str | None = None) -> Plan:
    """The experiments of the directions that measure an id matching `only`."""
    result = Plan()
    owners: dict[str, str] = {}
    for direction in directions:
        try:
            experiments = experiments_of(direction)
        except Exception as error:  # a third party's direction may fail in any way
            result.broken[direction.package] = f"{type(error).__name__}: {error}"
            continue
        for experiment in experiments:
            ids = tuple(i.id for i in experiment.indicators if matches(i.id, only))
            planned = Planned(direction, experiment, ids)
            for key in (i.id for i in experiment.indicators):
                if owners.setdefault(key, planned.name) != planned.name:
                    raise LingnanError(f"{owners[key]} and {planned.name} both measure {key}")
            if ids:
                result.experiments.append(planned)
    if not result.experiments:
        raise LingnanError(_nothing(directions, only, result.broken))
    return result


def _nothing(directions: Sequence[Direction], only: str | None, broken: dict[str, str]) -> str:
    names = ", ".join(direction.name for direction in directions)
    told = f"no indicator of {names} begins with {only!r}" if only else f"{names}: no experiment"
    return told + "".join(f"; {name} does not load: {reason}" for name, reason in broken.items())
