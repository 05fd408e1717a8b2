"""Declares a configuration's parameters on a node and checks every later change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from common.ros.errors import ParameterError
from common.ros.parameters import Declaration, ParameterMap
from common.ros.ros2 import (
    FloatingPointRange,
    IntegerRange,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    LifecycleNode,
    Parameter,
    ParameterDescriptor,
    SetParametersResult,
)

C = TypeVar("C", bound=BaseModel)


class NodeParameters(Generic[C]):
    """The parameters of `node`, whose values always make a valid configuration.

    Overrides from the command line or a file are taken on declaration; ParameterError names those
    that are refused. While `is_active()`, only fields marked live may be set.
    """

    def __init__(self, node: LifecycleNode, defaults: C, is_active: Callable[[], bool]) -> None:
        self._node, self._is_active = node, is_active
        self._map = ParameterMap(defaults)
        values = self._map.values(defaults)
        try:
            for name, declaration in self._map.declarations.items():
                node.declare_parameter(name, values[name], _descriptor(declaration))
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise ParameterError(str(error)) from None
        self._current = self._map.config(self._values())
        node.add_on_set_parameters_callback(self._judge)

    def current(self) -> C:
        """The configuration that the parameters say at this moment; any thread may ask."""
        return self._current

    def _values(self) -> dict[str, Any]:
        return {name: self._node.get_parameter(name).value for name in self._map.declarations}

    def _judge(self, changes: Sequence[Parameter]) -> SetParametersResult:
        """No other callback may refuse after this one: what it accepts becomes current."""
        ours = [change for change in changes if change.name in self._map.declarations]
        try:
            self._current = self._changed(ours)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _changed(self, changes: Sequence[Parameter]) -> C:
        for change in changes:
            if change.type_ == Parameter.Type.NOT_SET:  # ROS would undeclare it
                raise ParameterError(f"{change.name} cannot be unset")
            if self._is_active() and not self._map.declarations[change.name].live:
                raise ParameterError(
                    f"{change.name} is read-only while the node is active: deactivate it first"
                )
        return self._map.config(self._values() | {change.name: change.value for change in changes})


def _descriptor(declaration: Declaration) -> ParameterDescriptor:
    """Lists are typed dynamically, since ROS takes an empty list for one of bytes."""
    descriptor = ParameterDescriptor(
        description=declaration.description,
        dynamic_typing=declaration.optional or declaration.is_list,
        additional_constraints=_constraints(declaration),
    )
    if not declaration.is_list and (declaration.low is not None or declaration.high is not None):
        low, high = declaration.low, declaration.high
        if declaration.kind == "integer":
            descriptor.integer_range = [_integers(low, high)]
        else:
            descriptor.floating_point_range = [_floats(low, high)]
    return descriptor


def _integers(low: float | None, high: float | None) -> IntegerRange:
    least, most = -(1 << 63), (1 << 63) - 1
    return IntegerRange(
        from_value=least if low is None else max(least, int(low)),
        to_value=most if high is None else min(most, int(high)),
    )


def _floats(low: float | None, high: float | None) -> FloatingPointRange:
    widest = sys.float_info.max
    return FloatingPointRange(
        from_value=-widest if low is None else float(low),
        to_value=widest if high is None else float(high),
    )


def _constraints(declaration: Declaration) -> str:
    told = [f"one of {', '.join(map(str, declaration.choices))}"] if declaration.choices else []
    told += ["JSON"] if declaration.kind == "json" else []
    told += ["may stay unset"] if declaration.optional else []
    told += [] if declaration.live else ["read-only while active"]
    return "; ".join(told)
