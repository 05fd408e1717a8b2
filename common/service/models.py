"""The shipped models, each loaded and verified when it is first asked for.

A model's name on the wire is `DIRECTION.NAME`, so that two directions may ship one of a name. A
model that cannot be loaded is reported, and the others are served.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from common.errors import LingnanError
from common.runtime.models import shipped
from common.runtime.session import Session
from common.runtime.weights import load


@dataclass(slots=True)
class Model:
    """A model on the shelf. `open_session` verifies and loads; `direction` ships it."""

    name: str
    direction: str
    sha256: str
    open_session: Callable[[], Session]
    error: str = ""
    _session: Session | None = None
    _loading: threading.Lock = field(default_factory=threading.Lock)

    def session(self) -> Session:
        """The session, loaded once; LingnanError (kept in `error`) if it cannot be."""
        with self._loading:
            if self._session is None:
                try:
                    self._session = self.open_session()
                except LingnanError as error:
                    self.error = str(error)
                    raise
                self.error = ""
            return self._session


class ModelShelf:
    """Models by name; `error` says why none could be listed."""

    def __init__(self, models: Iterable[Model] = (), error: str = "") -> None:
        self._models = {model.name: model for model in models}
        self.error = error

    def find(self, name: str) -> Model | None:
        """The model of this name on the wire."""
        return self._models.get(name)

    def all(self) -> list[Model]:
        """Every model, by name."""
        return sorted(self._models.values(), key=lambda model: model.name)

    def faults(self) -> list[str]:
        """Load what is not loaded yet; what cannot be, with the reason."""
        found = [self.error] if self.error else []
        for model in self.all():
            try:
                model.session()
            except LingnanError as error:
                found.append(f"{model.name}: {error}")
        return found


def shipped_shelf() -> ModelShelf:
    """The models of every installed direction."""
    try:
        found = shipped()
    except LingnanError as error:
        return ModelShelf(error=str(error))
    return ModelShelf(
        Model(
            f"{model.direction}.{model.name}",
            model.direction,
            model.card.sha256,
            lambda model=model: Session(load(model.folder, model.name).payload),  # type: ignore[misc]
        )
        for model in found
    )
