"""Words of the command line to plain values. Digits are ASCII digits here: no underscores, no "nan", no "inf"."""

import re
from typing import Any, get_args, get_origin

from dcmnet_cli.errors import UsageError

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


def coerce(value: Any, annotation: Any, name: str) -> Any:
    """``value`` as ``annotation`` asks for: str, int, float, bool, or a list or tuple of those.

    ``name`` is how the message calls the option. Raises UsageError.
    """
    origin = get_origin(annotation)
    if origin is list:
        return [coerce(item, get_args(annotation)[0], name) for item in value]
    if origin is tuple:
        return tuple(coerce(item, kind, name) for item, kind in zip(value, get_args(annotation), strict=True))
    if isinstance(value, annotation):
        return value
    if annotation is int:
        return int(_matching(_WHOLE, value, name, "a whole number"))
    if annotation is float:
        return float(_matching(_NUMBER, str(value), name, "a number"))
    return annotation(value)


def _matching(pattern: re.Pattern[str], text: str, name: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise UsageError(f'{name}: "{text}" is not {what}')
    return text


_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(name: str, text: str) -> float:
    """Seconds from ``60``, ``60s``, ``500ms``, ``2m`` or ``1h``. ``name`` is the option, for the UsageError."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([a-z]*)", text.strip())
    if match is None or match[2] not in _UNITS:
        raise UsageError(f'{name}: "{text}" is no duration; write 60s, 500ms, 2m or 1h')
    return float(match[1]) * _UNITS[match[2]]
