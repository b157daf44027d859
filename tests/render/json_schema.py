"""As much of JSON Schema as ``schema.json`` uses. A keyword that it does not know is an error of the test's."""

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SILENT = {"$schema", "$defs", "title", "description"}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], where: str = "$") -> list[str]:
    """Everything about ``value`` that ``schema`` does not allow."""
    found: list[str] = []
    for keyword, rule in schema.items():
        if keyword not in _SILENT:
            found += _CHECKS[keyword](value, rule, root, where)
    return found


def _has_type(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (not isinstance(value, bool) or name == "boolean")


def _check_type(value: Any, rule: Any, _root: Any, where: str) -> list[str]:
    names = rule if isinstance(rule, list) else [rule]
    return [] if any(_has_type(value, name) for name in names) else [f"{where}: {value!r} is no {' or '.join(names)}"]


def _check_ref(value: Any, rule: str, root: Any, where: str) -> list[str]:
    return problems(value, root["$defs"][rule.removeprefix("#/$defs/")], root, where)


def _check_any_of(value: Any, rule: list[Any], root: Any, where: str) -> list[str]:
    tries = [problems(value, option, root, where) for option in rule]
    return [] if [] in tries else min(tries, key=len)


def _check_required(value: Any, rule: list[str], _root: Any, where: str) -> list[str]:
    return [f"{where}: no {key}" for key in rule if isinstance(value, dict) and key not in value]


def _check_properties(value: Any, rule: dict[str, Any], root: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [one for key in rule if key in value for one in problems(value[key], rule[key], root, f"{where}.{key}")]


def _check_items(value: Any, rule: dict[str, Any], root: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        return []
    return [one for index, item in enumerate(value) for one in problems(item, rule, root, f"{where}[{index}]")]


def _check(is_fine: Any) -> Any:
    return lambda value, rule, _root, where: [] if is_fine(value, rule) else [f"{where}: {value!r} against {rule!r}"]


def _is_number(value: Any) -> bool:
    return _has_type(value, "number")


_CHECKS = {
    "type": _check_type,
    "$ref": _check_ref,
    "anyOf": _check_any_of,
    "required": _check_required,
    "properties": _check_properties,
    "items": _check_items,
    "const": _check(lambda value, rule: value == rule),
    "enum": _check(lambda value, rule: value in rule),
    "minimum": _check(lambda value, rule: not _is_number(value) or value >= rule),
    "maximum": _check(lambda value, rule: not _is_number(value) or value <= rule),
    "minItems": _check(lambda value, rule: not isinstance(value, list) or len(value) >= rule),
    "pattern": _check(lambda value, rule: not isinstance(value, str) or re.search(rule, value) is not None),
}
