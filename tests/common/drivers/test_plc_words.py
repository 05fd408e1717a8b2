"""Signals as words, register maps, and configs that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers.base import ConfigError
from common.drivers.plc.config import RegisterMap, SorterSettings, parse
from common.drivers.plc.modbus import Registers
from common.types.plc import COMMAND, RING, STATUS, Mode, Outcome, PlcStatus, join, problem, split

pytestmark = pytest.mark.common

NUMBERS = st.sampled_from([1, 2, 4]).flatmap(
    lambda each: st.tuples(
        st.just(each), st.lists(st.integers(0, (1 << 16 * each) - 1), min_size=1, max_size=8)
    )
)


@given(NUMBERS)
def test_words_are_big_endian_and_come_back(case: tuple[int, list[int]]) -> None:
    each, numbers = case
    words = split(numbers, each)
    raw = b"".join(number.to_bytes(2 * each, "big") for number in numbers)
    assert np.array(words, ">u2").tobytes() == raw
    assert join(words, each) == numbers


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_what_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(OverflowError):
        COMMAND.pack(orders=number)
    with pytest.raises(ValueError, match="order_part has 8 numbers"):
        COMMAND.pack(order_part=[1])


@given(st.permutations([s.name for s in STATUS.signals]), st.sampled_from(["big", "little"]))
def test_any_order_of_registers_carries_the_same_status(names: list[str], order: str) -> None:
    places, at = {}, 7
    for name in names:
        places[name], at = at, at + STATUS.place(name)[0].total
    registers = Registers(STATUS, places, order)
    words = np.random.default_rng(len(names[0])).integers(0, 65536, STATUS.words, np.uint16)
    assert (registers.from_block(registers.to_block(words)) == words).all()


def test_little_word_order_turns_the_words_of_a_number() -> None:
    words = COMMAND.pack(orders=0x12345678)
    for order, expected in (("big", [0x1234, 0x5678]), ("little", [0x5678, 0x1234])):
        registers = Registers(COMMAND, RegisterMap().command_places, order)
        at = RegisterMap().command_places["orders"]
        assert registers.to_block(words)[at : at + 2] == expected


def test_a_gap_in_the_map_is_not_written_and_the_count_of_orders_comes_last() -> None:
    mapped = RegisterMap(command={"orders": 0, "heartbeat": 50, "run": 51, "resets": 60,
                                  "order_part": 10, "order_lane": 30})  # fmt: skip
    runs = Registers(COMMAND, mapped.command_places, "big").runs(COMMAND.pack(orders=9))
    assert [(first, len(values)) for first, values in runs] == [
        (10, 16), (30, 8), (50, 2), (60, 1), (0, 2),
    ]  # fmt: skip
    assert runs[-1][1] == [0, 9]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"type": "modbus"}, "host"),
        ({"type": "modbus", "host": "a b"}, "host"),
        ({"type": "modbus", "host": "plc", "port": 0}, "port"),
        (
            {"type": "modbus", "host": "plc", "registers": {"status": {"speed": 1}}},
            "no signal speed",
        ),
        ({"type": "modbus", "host": "plc", "registers": {"status": {"mode": 0}}}, "overlap"),
        ({"type": "modbus", "host": "plc", "registers": {"status": {"mode": 500}}}, "holds 125"),
        ({"type": "opcua", "url": "http://plc"}, "url"),
        ({"type": "opcua", "url": "opc.tcp://me:secret@plc"}, "url"),
        ({"type": "opcua", "url": "opc.tcp://plc", "security": "sign"}, "certificate"),
        ({"type": "opcua", "url": "opc.tcp://plc", "command": {"go": "i=1"}}, "no signal go"),
        ({"type": "profinet"}, "profinet"),
    ],
)
def test_a_config_that_cannot_be_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse(values)


def test_a_password_is_not_shown() -> None:
    config = parse({"type": "opcua", "url": "opc.tcp://plc", "user": "me", "password": "secret"})
    assert "secret" not in repr(config)


@pytest.mark.parametrize("values", [{"lanes_mm": (250.0,)}, {"lanes_mm": (400.0, 320.0)}])
def test_mechanics_that_could_touch_a_neighbour_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="lane"):
        SorterSettings(**values)


def test_a_reader_who_comes_late_sees_that_events_are_lost() -> None:
    ring = [100 * (n if n >= 8 else n + 8) for n in range(RING)]
    status = PlcStatus(STATUS.pack(triggers=16, trigger_at=ring))
    assert status.triggers_since(14) == [(14, 1400), (15, 1500)]
    assert [part for part, _ in status.triggers_since(0)] == list(range(8, 16))
    assert status.triggers_since(16) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"mode": 7}, "mode 7"),
        ({"clock_us": 1 << 60}, "285 years"),
        ({"outcomes": 1, "outcome_code": [9 << 8 | 1] + [0] * 7}, "outcome 9"),
    ],
)
def test_a_status_from_a_stranger_is_checked(values: dict[str, Any], told: str) -> None:
    assert told in problem(STATUS.pack(**values))
    good = STATUS.pack(mode=int(Mode.RUNNING), outcome_code=[int(Outcome.DIVERTED) << 8] * RING)
    assert problem(good) == ""
    assert "uint16" in problem(good[:-1])
