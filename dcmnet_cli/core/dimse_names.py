"""The names of the DIMSE messages and the numbers of their Command Field (0000,0100), PS3.7 annex E."""

_REQUESTS = {
    "C-STORE": 0x0001,
    "C-GET": 0x0010,
    "C-FIND": 0x0020,
    "C-MOVE": 0x0021,
    "C-ECHO": 0x0030,
    "N-EVENT-REPORT": 0x0100,
    "N-GET": 0x0110,
    "N-SET": 0x0120,
    "N-ACTION": 0x0130,
    "N-CREATE": 0x0140,
    "N-DELETE": 0x0150,
}

RESPONSE_BIT = 0x8000

# C-CANCEL serves find, get and move alike, and is never answered.
COMMAND_FIELDS: dict[str, int] = {
    **{f"{service}-RQ": field for service, field in _REQUESTS.items()},
    **{f"{service}-RSP": field | RESPONSE_BIT for service, field in _REQUESTS.items()},
    "C-CANCEL-RQ": 0x0FFF,
}
_NAMES = {field: name for name, field in COMMAND_FIELDS.items()}


def command_name(field: int) -> str:
    """Return the name of the message with this Command Field, such as "C-MOVE-RSP", or "" when there is none."""
    return _NAMES.get(field, "")


def command_field(name: str) -> int | None:
    """Return the Command Field of a message named as in the standard, in any case, or None."""
    return COMMAND_FIELDS.get(name.upper())
