"""Checks of values that come from a command line or from the configuration. All raise UsageError."""

from collections.abc import Collection

from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

LONGEST_WAIT = 1_000_000  # some eleven days, well below what poll() can count in milliseconds
_SMALLEST_PDU = 4096
_LARGEST_PDU = 0xFFFFFFFF


def check_title(name: str, title: str) -> str:
    """An AE title as PS3.5 6.2 has it: 1 to 16 ASCII characters, no backslash or control character, not only spaces."""
    if not title.strip(" "):
        problem = "is empty"
    elif not title.isascii():
        problem = "holds a character outside ASCII"
    elif not title.isprintable():
        problem = "holds a control character"
    elif "\\" in title:
        problem = "holds a backslash, which separates values in DICOM"
    elif len(title) > 16:
        problem = f"has {len(title)} characters"
    else:
        return title
    raise UsageError(f"{name}: AE title {quoted(title)} {problem}; allowed are 1 to 16 printable ASCII characters")


def check_seconds(name: str, seconds: float, *, zero_is_no_limit: bool = False) -> float:
    if zero_is_no_limit and seconds == 0:
        return seconds
    if not 0 < seconds <= LONGEST_WAIT:  # a comparison that NaN fails as well
        least = "0 (no limit), or more than 0" if zero_is_no_limit else "more than 0"
        raise UsageError(f"{name}: {seconds:g} seconds is not a waiting time; give {least}, at most {LONGEST_WAIT}")
    return seconds


def check_max_pdu(name: str, length: int) -> int:
    if length != 0 and not _SMALLEST_PDU <= length <= _LARGEST_PDU:
        raise UsageError(f"{name}: {length} is no PDU length; give 0 (no limit) or {_SMALLEST_PDU} to {_LARGEST_PDU}")
    return length


def check_port(name: str, text: str) -> int:
    """A TCP port as a word. Raises UsageError, with ``name`` saying where the word stood."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 0x10000):
        raise UsageError(f"{name}: {quoted(text)} is not a port; give a number from 1 to 65535")
    return int(text)


def check_choice(name: str, word: str, choices: Collection[str]) -> str:
    """The choice that ``word`` names, in whichever case."""
    if word.lower() not in choices:
        raise UsageError(f'{name}: "{word}" is not one of {", ".join(choices)}')
    return word.lower()


def check_priority(word: str) -> int:
    """The number that a message carries for a word of ``--priority``."""
    from dcmnet_cli.core.commands import HIGH, LOW, MEDIUM

    levels = {"low": LOW, "medium": MEDIUM, "high": HIGH}
    if word not in levels:
        raise UsageError(f'--priority: "{word}" is not low, medium or high')
    return levels[word]


def exclude(*options: tuple[str, object]) -> str:
    """The name of the one option that was given, or "". Options are (name, value) pairs, given when true."""
    given = [name for name, value in options if value]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} contradict each other")
    return given[0] if given else ""
