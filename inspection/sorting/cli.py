"""lingnan inspection sort, lingnan inspection plc-sim."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from common.drivers.plc.config import SorterSettings
    from common.drivers.plc.driver import Plc
    from common.progress import Tell
    from inspection.sim.sorting.station import Rig
    from inspection.sorting.line import Line

Count = Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000))]
Port = Annotated[int, Parameter(validator=Number(gte=1, lte=65535))]
Seed = Annotated[int, Parameter(validator=Number(gte=0))]
AsJson = Annotated[bool, Parameter(name="--json", negative="")]

PICTURES = 12  # distinct parts in front of the simulated camera
STOPPED, INTERRUPTED = 1, 130  # exit codes


def sort(
    *,
    plc: str = "sim",
    settings: str | None = None,
    parts: Count = 40,
    seed: Seed = 1,
    json: AsJson = False,
) -> int:
    """Sort parts on a belt: camera, shipped network, PLC; Ctrl-C stops the belt.

    The camera and its parts are simulated. With --plc sim the belt is too, and the summary tells
    each part's true class against the bin it landed in.

    Parameters
    ----------
    plc:
        sim, modbus://HOST:PORT, opc.tcp://HOST:PORT/PATH, or a config file (.toml, .json).
    settings:
        File with the line's mechanics (.toml, .json); see SorterSettings.
    parts:
        Stop after so many parts.
    seed:
        Of the simulated parts.
    json:
        Print the summary as JSON.
    """
    from common.progress import progress

    mechanics = _settings(settings)
    with progress() as tell, _line(plc, mechanics, seed) as (line, rig):
        print("Camera and parts are simulated.", file=sys.stderr)
        code = _work(line, parts, tell)
        _show(_summary(line, rig, seed), json)
    return code


def plc_sim(
    *,
    protocol: Literal["modbus", "opcua"] = "modbus",
    port: Port | None = None,
    host: str = "127.0.0.1",
    seed: Seed = 1,
) -> None:
    """Serve the simulated sorting PLC with its belt until Ctrl-C.

    Neither server asks who connects: serve them beyond this machine in a test network only.

    Parameters
    ----------
    protocol:
        modbus or opcua.
    port:
        To listen at; 1502 and 4840 without.
    host:
        Address to listen at.
    seed:
        Of the simulated parts.
    """
    import threading

    from common.drivers.plc.config import SorterSettings
    from common.drivers.plc.runner import Runner
    from inspection.sim.sorting.station import machine, serve

    plc, _ = machine(SorterSettings(), seed)
    with Runner(plc):
        server = serve(protocol, plc, port or {"modbus": 1502, "opcua": 4840}[protocol], host)
        try:
            print("\n".join(_signals(protocol, host, server.port)), flush=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
        finally:
            server.stop()


@contextmanager
def _line(plc: str, settings: SorterSettings, seed: int) -> Iterator[tuple[Line, Rig | None]]:
    """A line, started. The rig is there where belt and PLC are simulated in this process."""
    from inspection.sim.sorting.lot import LIGHT, Classify, camera
    from inspection.sim.sorting.station import rig
    from inspection.sorting.eye import Eye
    from inspection.sorting.line import Line
    from inspection.sorting.sorter import Sorter

    @contextmanager
    def running(driver: Plc) -> Iterator[Line]:
        with driver, camera(seed, PICTURES) as source, Eye(source, Classify(), LIGHT) as eye:
            line = Line(driver, eye, Sorter(settings))
            line.start()
            yield line

    if plc == "sim":
        with rig("sim", settings, seed) as place, running(place.plc) as line:
            yield line, place
    else:
        with running(_driver(plc)) as line:
            yield line, None


def _work(line: Line, parts: int, tell: Tell) -> int:
    """Until so many parts left the belt, the line stops or Ctrl-C; the exit code tells which.

    What is still on the belt then goes to the bin for a second look.
    """
    sorter = line.sorter

    def left() -> int:
        return sum(sorter.tally.outcomes.values()) + sum(sorter.tracker.given_up.values())

    def over() -> bool:
        tell(min(left(), parts), parts, "parts")
        return left() >= parts or bool(sorter.stopped)

    reason = "stopped by the operator"
    try:
        line.run(over)
        reason = "the lot is done"
    except KeyboardInterrupt:
        return INTERRUPTED
    else:
        return 0 if left() >= parts else STOPPED
    finally:
        if not line.halt(reason):
            print("The PLC did not confirm the stop; its own watchdog stops it.", file=sys.stderr)


def _summary(line: Line, rig: Rig | None, seed: int) -> dict[str, Any]:
    tally = line.sorter.tally
    found: dict[str, Any] = {
        "parts": tally.parts,
        "orders": tally.orders,
        "outcomes": dict(tally.outcomes),
        "recheck": dict(line.sorter.tracker.given_up),
        "stops": tally.stops,
        "simulated": "camera and parts" if rig is None else "camera, parts, belt and PLC",
    }
    if rig is not None:
        found["landed"] = _landed(line, rig, seed)
    return found


def _landed(line: Line, rig: Rig, seed: int) -> dict[str, dict[str, int]]:
    """True class -> bin -> parts, of those whose picture was taken and that left the belt."""
    from inspection.sim.sorting.lot import lot

    kinds = lot(seed, PICTURES).kinds
    true = {rig.journal.pictured[part]: kinds[k % PICTURES] for k, part in enumerate(line.looked)}
    table: dict[str, Counter[str]] = {kind: Counter() for kind in dict.fromkeys(kinds)}
    for part in rig.belt.landed:
        if part.number in true:
            table[true[part.number]][line.sorter.bins.name(part.lane or 0)] += 1
    return {kind: dict(bins) for kind, bins in table.items()}


def _show(summary: dict[str, Any], as_json: bool) -> None:
    from common.cli.output import print_json, print_table

    if as_json:
        print_json(summary)
        return
    landed = summary.get("landed", {})
    bins = sorted({name for row in landed.values() for name in row})
    if landed:
        rows = [[kind, *(str(row.get(name, 0)) for name in bins)] for kind, row in landed.items()]
        print_table(["true class", *bins], rows)
    told = ", ".join(f"{name} {count}" for name, count in summary["outcomes"].items()) or "none"
    print(f"{summary['parts']} parts, {summary['orders']} orders; outcomes: {told}")
    why = ", ".join(f"{reason} {count}" for reason, count in summary["recheck"].items())
    print(f"Left for recheck: {why or 'none'}")
    print(f"Stops: {'; '.join(summary['stops'])}. Simulated: {summary['simulated']}.")


def _driver(plc: str) -> Plc:
    """From a URL or a config file; ConfigError names what is wrong."""
    from urllib.parse import urlsplit

    from common.cli.streams import read_config
    from common.drivers.base import ConfigError
    from common.drivers.plc.driver import Plc
    from common.drivers.registry import create

    url = urlsplit(plc)
    if url.scheme == "modbus":
        try:
            values = {"type": "modbus", "host": url.hostname or "", "port": url.port or 502}
        except ValueError as error:
            raise ConfigError(f"{plc}: {error}") from error
    elif url.scheme == "opc.tcp":
        values = {"type": "opcua", "url": plc}
    elif url.scheme:
        raise ConfigError(f"{plc}: a PLC is reached by modbus:// or opc.tcp://")
    else:
        values = read_config(plc)
    driver = create({"kind": "plc", **values})
    if not isinstance(driver, Plc):
        raise ConfigError(f"{plc} is the config of no PLC")
    return driver


def _settings(path: str | None) -> SorterSettings:
    from pydantic import ValidationError

    from common.cli.streams import read_config
    from common.drivers.base import ConfigError
    from common.drivers.plc.config import SorterSettings
    from common.drivers.validation import explain

    try:
        return SorterSettings.model_validate(read_config(path) if path else {})
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error)}") from error


def _signals(protocol: str, host: str, port: int) -> Iterator[str]:
    """Where a client finds what."""
    from common.drivers.plc.config import RegisterMap
    from common.types.plc import COMMAND, STATUS

    is_modbus = protocol == "modbus"
    where = f"modbus://{host}:{port}" if is_modbus else f"opc.tcp://{host}:{port}/sorter"
    yield f"Simulated sorting PLC at {where}; Ctrl-C ends it."
    places = RegisterMap()
    tables = (
        ("Status", "input register", STATUS, places.status_places),
        ("Command", "holding register", COMMAND, places.command_places),
    )
    for folder, table, layout, at in tables:
        for s in layout.signals:
            place = f"{table} {at[s.name]}" if is_modbus else f"ns=2;s={folder}.{s.name}"
            yield f"  {place:<28} {s.name}: {s.count} x uint{16 * s.words}"
