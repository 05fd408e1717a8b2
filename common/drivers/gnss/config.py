"""What a GNSS receiver can be, as data: one model a type, told apart by `type`. No driver here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from common.drivers.base import ConfigError, Delivery
from common.drivers.validation import explain

Rate = Annotated[float, Field(gt=0, le=100)]


class _Receiver(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["gnss"] = "gnss"
    frame_id: str = Field(default="gnss_antenna", min_length=1, max_length=200)
    rate_hz: Rate = 1.0


class SimGnssConfig(_Receiver):
    """A simulated receiver in a scene (`common.drivers.gnss.scenes`).

    scene: "module:factory" among the allowed ones or the name of a `lingnan.scenes` entry point;
        the factory is called with `parameters` and returns a GnssScene.
    realtime: False makes epochs as fast as they are read, at the times rate_hz gives them.
    drop_rate: fraction of epochs that the receiver itself loses.
    """

    type: Literal["sim"] = "sim"
    scene: str = Field(default="common.drivers.gnss.scenes:still", max_length=300)
    parameters: dict[str, Any] = Field(default_factory=dict)
    realtime: bool = True
    drop_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def delivery(self) -> Delivery:
        """A live receiver keeps the newest."""
        return "newest" if self.realtime else "every"


class ReplayGnssConfig(_Receiver):
    """A recorded receiver: an MCAP file of ours, or the receiver's own UBX file (.ubx).

    topic: "" takes the only one of the recording. pace: "recorded" keeps the intervals, of a UBX
    file those of the epochs; "fast" waits not. rate_hz: None takes the file's own.
    """

    type: Literal["replay"] = "replay"
    path: Path
    topic: str = Field(default="", max_length=500)
    pace: Literal["recorded", "fast"] = "recorded"
    rate_hz: Rate | None = None  # type: ignore[assignment]


class SerialGnssConfig(_Receiver):
    """A receiver on a serial line: u-blox (UBX) or any that sends RTCM 3 MSM4 to MSM7.

    port: /dev/ttyACM0, COM3 or a URL that pyserial knows (socket://host:port).
    rate_hz: of the epochs; when fewer come, samples count as dropped.
    configure: switch the needed messages on and set the rate when connecting, u-blox only; it lasts
        until the receiver is powered off.
    """

    type: Literal["serial"] = "serial"
    port: str = Field(min_length=1, max_length=500)
    baud: Annotated[int, Field(ge=4800, le=4_000_000)] = 115_200
    protocol: Literal["ubx", "rtcm"] = "ubx"
    configure: bool = False


AnyGnssConfig = SimGnssConfig | ReplayGnssConfig | SerialGnssConfig
GnssConfig = Annotated[AnyGnssConfig, Field(discriminator="type")]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(GnssConfig)


def parse(values: Mapping[str, Any]) -> AnyGnssConfig:
    """A receiver's config from plain values. ConfigError names the field that is wrong."""
    try:
        config: AnyGnssConfig = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"gnss config: {explain(error)}") from error
    return config
