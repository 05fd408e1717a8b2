"""A pydantic configuration as ROS parameters, and back. Needs no ROS.

A field is a parameter; nested models are dotted (`camera.gain_db`). Booleans, numbers, strings
and lists of them are native; what ROS has no type for (unions, mappings, optional models) is a
string of JSON. Names, ranges and descriptions come from the model's JSON schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from common.ros.errors import ParameterError

C = TypeVar("C", bound=BaseModel)
Value = bool | int | float | str | list[bool] | list[int] | list[float] | list[str] | None

_SCALARS: dict[str, type] = {"boolean": bool, "integer": int, "number": float, "string": str}
_INT64 = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One parameter.

    kind: the JSON schema's type of the value ("boolean", "integer", "number", "string"), of the
        items when `is_list`, or "json". optional: None (not set) is allowed.
    low, high: inclusive bounds; pydantic holds the exclusive ones besides.
    live: may be changed while the node is active (`Field(json_schema_extra={"live": True})`).
    """

    name: str
    kind: str
    is_list: bool
    optional: bool
    description: str
    low: float | None
    high: float | None
    choices: tuple[Any, ...]
    live: bool

    def encode(self, value: Any) -> Value:
        """A value of the model's JSON form as a parameter's value."""
        if self.kind == "json":
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        if value is None:
            return None
        native = _SCALARS[self.kind]
        encoded = [native(item) for item in value] if self.is_list else native(value)
        integers = encoded if self.is_list else [encoded]
        if self.kind == "integer" and not all(item in _INT64 for item in integers):
            raise ParameterError(f"{self.name} = {value}: ROS parameters hold 64-bit integers")
        return encoded

    def decode(self, value: Value) -> Any:
        """The parameter's value in the model's JSON form."""
        if self.kind != "json":
            return value
        try:
            return json.loads(str(value))
        except ValueError as error:
            raise ParameterError(f"{self.name} must be JSON: {error}") from None


class ParameterMap(Generic[C]):
    """The parameters of one configuration class, with `defaults` as their values."""

    def __init__(self, defaults: C) -> None:
        self.defaults = defaults
        schema = type(defaults).model_json_schema()
        self.declarations = {d.name: d for d in _walk(schema, schema, "", False)}

    def values(self, config: C) -> dict[str, Value]:
        """A parameter value for each declaration."""
        tree = config.model_dump(mode="json", by_alias=True)
        return {name: d.encode(_at(tree, name)) for name, d in self.declarations.items()}

    def config(self, values: Mapping[str, Value]) -> C:
        """The validated configuration; every declared parameter must be among `values`.

        ParameterError names each parameter that pydantic refuses and why.
        """
        tree: dict[str, Any] = {}
        for name, declaration in self.declarations.items():
            *path, last = name.split(".")
            leaf = tree
            for part in path:
                leaf = leaf.setdefault(part, {})
            leaf[last] = declaration.decode(values[name])
        try:
            return type(self.defaults).model_validate_json(json.dumps(tree))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'parameters'}: {e['msg']}"
                for e in error.errors(include_url=False)[:5]
            )
            raise ParameterError(wrong) from None


def _walk(root: dict[str, Any], node: dict[str, Any], path: str, live: bool) -> Iterator[Any]:
    for name, raw in node.get("properties", {}).items():
        field = _resolve(root, raw)
        full = f"{path}.{name}" if path else name
        is_live = live or bool(field.get("live"))
        if field.get("type") == "object" and field.get("properties"):
            yield from _walk(root, field, full, is_live)
        else:
            yield _declaration(root, full, field, is_live)


def _declaration(root: dict[str, Any], name: str, field: dict[str, Any], live: bool) -> Declaration:
    description = str(field.get("description", field.get("title", "")))
    inner, optional = _without_null(root, field)
    item = _resolve(root, inner["items"]) if _is_plain_list(inner) else inner
    kind = item.get("type", "json")
    is_native = isinstance(kind, str) and kind in _SCALARS
    return Declaration(
        name=name,
        kind=kind if is_native else "json",
        is_list=is_native and item is not inner,
        optional=optional and is_native,
        description=description,
        low=_first(item, "minimum", "exclusiveMinimum") if is_native else None,
        high=_first(item, "maximum", "exclusiveMaximum") if is_native else None,
        choices=tuple(item.get("enum", ())),
        live=live,
    )


def _is_plain_list(field: dict[str, Any]) -> bool:
    return field.get("type") == "array" and "items" in field and "prefixItems" not in field


def _without_null(root: dict[str, Any], field: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema beside null in `X | None`; the field itself where it is something else."""
    choices = [_resolve(root, choice) for choice in field.get("anyOf", ())]
    others = [choice for choice in choices if choice.get("type") != "null"]
    if len(choices) == 2 and len(others) == 1:
        return others[0], True
    return field, False


def _resolve(root: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow "$ref"; words beside it win."""
    while "$ref" in node:
        target = root["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _first(field: dict[str, Any], *names: str) -> float | None:
    return next((field[name] for name in names if name in field), None)


def _at(tree: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        tree = tree[part]
    return tree
