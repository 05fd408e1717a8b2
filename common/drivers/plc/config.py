"""What a PLC can be, as data: one model a type, told apart by `type`. Imports no driver."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from common.drivers.base import ConfigError
from common.drivers.simulated.clock import ClockModel
from common.drivers.validation import explain
from common.types.plc import COMMAND, STATUS, Layout

Positive = Annotated[float, Field(gt=0, le=1e4, allow_inf_nan=False)]
Address = Annotated[int, Field(ge=0, le=0xFFFF)]
MAX_READ, MAX_WRITE = 125, 123  # words a request, Modbus Application Protocol V1.1b3, 6.3 and 6.12


class SorterSettings(BaseModel):
    """Mechanics that the PLC program knows. Distances from the camera's light barrier, in mm.

    second_mm: the light barrier that confirms a part before it is diverted.
    lanes_mm: the middle of each ejector; lane 1 is the first. count_mm: belt travel a count.
    tolerance_mm: a part may be so far from its place at the second barrier (slip).
    clearance_mm: least distance between the heads of two parts for a stroke to touch one alone.
    longest_mm: what covers the barrier for longer is two parts. shortest_mm: edges closer than
        this are one part (chatter). pulse_mm: belt travel during which a coil is on.
    response_s: from coil to full stroke. stroke_limit_s: the stroke's sensor answers within.
    heartbeat_s: silence of the host after which the PLC trips. stall_s: belt on, encoder still.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scan_s: Annotated[float, Field(gt=0, le=0.05)] = 0.002
    count_mm: Positive = 0.1
    part_mm: Positive = 20.0
    second_mm: Positive = 220.0
    lanes_mm: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=15)] = (
        320.0, 400.0, 480.0,
    )  # fmt: skip
    tolerance_mm: Positive = 8.0
    clearance_mm: Positive = 55.0
    longest_mm: Positive = 24.0
    shortest_mm: Positive = 15.0
    pulse_mm: Positive = 12.0
    response_s: Positive = 0.012
    stroke_limit_s: Positive = 0.06
    heartbeat_s: Positive = 0.2
    stall_s: Positive = 0.1

    @model_validator(mode="after")
    def _order_of_places(self) -> Self:
        if min(self.lanes_mm) < self.second_mm + self.clearance_mm + self.longest_mm:
            raise ValueError("the first lane must lie a clearance and a part behind second_mm")
        if sorted(set(self.lanes_mm)) != list(self.lanes_mm):
            raise ValueError(f"lanes_mm must rise, got {self.lanes_mm}")
        return self

    def counts(self, distance_mm: float) -> int:
        """A distance in encoder counts."""
        return round(distance_mm / self.count_mm)


class _Plc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["plc"] = "plc"
    frame_id: str = Field(default="belt", min_length=1, max_length=200)
    rate_hz: Annotated[float, Field(gt=0, le=1000)] = 100.0


class SimPlcConfig(_Plc):
    """A simulated PLC in this process, with a simulated belt of evenly spaced parts.

    speed_mm_s, pitch_mm: of that belt. clock: the PLC's own.
    """

    type: Literal["sim"] = "sim"
    settings: SorterSettings = SorterSettings()
    speed_mm_s: Positive = 500.0
    pitch_mm: Positive = 100.0
    clock: ClockModel = ClockModel(offset_s=10.0, drift_ppm=50.0)
    seed: Annotated[int, Field(ge=0)] = 0


class RegisterMap(BaseModel):
    """Where each signal lies. status: input registers; command: holding registers.

    Left out signals follow each other from `status_base` and `command_base` in the order of
    `common.types.plc`. word_order: of numbers over 16 bits. device_id: the unit behind a gateway.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status_base: Address = 0
    command_base: Address = 0
    status: dict[str, Address] = Field(default_factory=dict)
    command: dict[str, Address] = Field(default_factory=dict)
    word_order: Literal["big", "little"] = "big"
    device_id: Annotated[int, Field(ge=0, le=247)] = 1

    @model_validator(mode="after")
    def _fits_a_request(self) -> Self:
        self.places(STATUS, self.status_base, self.status, MAX_READ)
        self.places(COMMAND, self.command_base, self.command, MAX_WRITE)
        return self

    @property
    def status_places(self) -> dict[str, int]:
        """First register of each status signal."""
        return self.places(STATUS, self.status_base, self.status, MAX_READ)

    @property
    def command_places(self) -> dict[str, int]:
        """First register of each command signal."""
        return self.places(COMMAND, self.command_base, self.command, MAX_WRITE)

    @staticmethod
    def places(layout: Layout, base: int, given: Mapping[str, int], most: int) -> dict[str, int]:
        """ValueError when a name is unknown, two signals overlap or one request cannot hold all."""
        if unknown := given.keys() - {signal.name for signal in layout.signals}:
            raise ValueError(f"there is no signal {', '.join(sorted(unknown))}")
        found = {s.name: given.get(s.name, base + layout.place(s.name)[1]) for s in layout.signals}
        ends = sorted((found[s.name], found[s.name] + s.total, s.name) for s in layout.signals)
        for (_, end, name), (start, _, other) in pairwise(ends):
            if start < end:
                raise ValueError(f"{name} and {other} overlap at register {start}")
        if ends[-1][1] - ends[0][0] > most or ends[-1][1] > 0x10000:
            raise ValueError(f"registers {ends[0][0]} to {ends[-1][1]}: a request holds {most}")
        return found


class ModbusPlcConfig(_Plc):
    """A PLC over Modbus TCP. timeout_s: for connecting and for each answer."""

    type: Literal["modbus"] = "modbus"
    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 0.2
    registers: RegisterMap = RegisterMap()


class OpcUaPlcConfig(_Plc):
    """A PLC over OPC UA.

    url: opc.tcp://host:port/path. status, command: node id of each signal; one that is left out is
        `ns=<namespace>;s=<signal>` under Status. or Command., e.g. ns=2;s=Status.encoder.
    security: "none", or sign and encrypt with Basic256Sha256 and this client's certificate and
        key (DER or PEM files). user, password: left out for an anonymous session.
    """

    type: Literal["opcua"] = "opcua"
    url: Annotated[str, Field(max_length=2000, pattern=r"^opc\.tcp://[^@\s]+$")]
    rate_hz: Annotated[float, Field(gt=0, le=1000)] = 50.0
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 0.2
    connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    namespace: Annotated[int, Field(ge=0, le=0xFFFF)] = 2
    status: dict[str, str] = Field(default_factory=dict)
    command: dict[str, str] = Field(default_factory=dict)
    security: Literal["none", "sign", "sign-and-encrypt"] = "none"
    certificate: Path | None = None
    private_key: Path | None = None
    user: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for given, layout in ((self.status, STATUS), (self.command, COMMAND)):
            if unknown := given.keys() - {signal.name for signal in layout.signals}:
                raise ValueError(f"there is no signal {', '.join(sorted(unknown))}")
        if self.security != "none" and not (self.certificate and self.private_key):
            raise ValueError(f"security {self.security!r} needs certificate and private_key")
        return self

    def nodes(self, layout: Layout) -> dict[str, str]:
        """Node id of each signal of STATUS or COMMAND."""
        folder, given = ("Status", self.status) if layout is STATUS else ("Command", self.command)
        return {
            s.name: given.get(s.name, f"ns={self.namespace};s={folder}.{s.name}")
            for s in layout.signals
        }


AnyPlcConfig = SimPlcConfig | ModbusPlcConfig | OpcUaPlcConfig
PlcConfig = Annotated[AnyPlcConfig, Field(discriminator="type")]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(PlcConfig)


def parse(values: Mapping[str, Any]) -> AnyPlcConfig:
    """A PLC config from plain values. ConfigError names the field that is wrong."""
    try:
        config: AnyPlcConfig = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"plc config: {explain(error)}") from error
    return config
