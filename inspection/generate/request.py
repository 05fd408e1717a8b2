"""What a person asks for: kind, place, size, severity, direction, how many, and the seed."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import LingnanError

SMALLEST_PX, LARGEST_PX = 4.0, 2048.0
MOST = 100_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Severity = Annotated[float, Field(gt=0, le=1)]


class RequestError(LingnanError):
    """What was asked for cannot be made; the message says why."""


class DefectRequest(BaseModel):
    """One order for `count` defects.

    kind: a name that the generator knows. x_px, y_px: middle of the smallest circle around the
    defect, in pixels from the middle of the picture's first one; None: drawn anew for each sample.
    size_px: that circle's diameter. severity: 0 is invisible, 1 as strong as the kind gets.
    angle_deg: of the defect's long axis, from x towards y (downwards); None: drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    size_px: Annotated[float, Field(ge=SMALLEST_PX, le=LARGEST_PX)]
    x_px: Annotated[Finite, Field(ge=0)] | None = None
    y_px: Annotated[Finite, Field(ge=0)] | None = None
    severity: Severity = 0.5
    angle_deg: Annotated[Finite, Field(ge=-360, le=360)] | None = None
    count: Annotated[int, Field(ge=1, le=MOST)] = 1
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 1

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """Checked; RequestError names every field that is wrong."""
        return cls._checked(lambda: cls.model_validate(fields))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """From `to_json`; RequestError names every field that is wrong."""
        return cls._checked(lambda: cls.model_validate_json(text))

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back."""
        return self.model_dump_json()

    @classmethod
    def _checked(cls, make: Any) -> Self:
        try:
            made: Self = make()
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'request'}: {e['msg']}"
                for e in error.errors()[:5]
            )
            raise RequestError(f"the request is wrong: {wrong}") from None
        if (made.x_px is None) != (made.y_px is None):
            raise RequestError("the request is wrong: give both x_px and y_px, or neither")
        return made


def known_kind(kind: str, kinds: tuple[str, ...], by: str) -> None:
    """RequestError unless `kind` is among `kinds`; `by` says whose they are."""
    if kind not in kinds:
        raise RequestError(f"{by} makes no {kind!r}; it makes: {', '.join(kinds)}")
