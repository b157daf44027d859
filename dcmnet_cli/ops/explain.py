"""Explain a number, UID or name that turns up in logs, without a peer and without a network.

A bare word may have several readings: 0110 is a status and a command field, 7 a PDU type and an exit status. All of
them are given. A leading word (``rj``, ``abort``, ``status``, ``context``, ``uid``, ``command``, ``pdu``, ``exit``)
asks for one.
"""

from collections.abc import Callable, Sequence

from dcmnet_cli.core import dimse_names, reasons, status, uids
from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.explain_table import DIMSE_SERVICES, EXITS, PDUS
from dcmnet_cli.ops.results import Explanation, Reading


def explain(words: Sequence[str], service: str = "") -> Explanation:
    """Explain ``words`` as a user typed them. ``service`` narrows a status to one service, in any usual spelling.

    Raises ``UsageError``, with close matches as hints, for words that mean nothing here.
    """
    cleaned = [word.strip() for word in words if word.strip()]
    if not cleaned:
        raise UsageError("nothing to explain", hints=("dcmnet explain A801 --service move", "dcmnet explain rj 1 1 7"))
    key = _service(service)
    verb, rest = cleaned[0].lower(), cleaned[1:]
    if key and verb in _VERBS:
        raise UsageError(f"a service goes with a status, not with {quoted(verb)}")
    if verb == "status" or key:
        readings = _status(rest if verb == "status" else cleaned, key)
    elif verb in _VERBS and (rest or verb.upper() not in _PDU_NAMES):
        readings = _VERBS[verb](rest)
    else:
        readings = _bare(cleaned)
    return Explanation(tuple(cleaned), readings)


def _service(word: str) -> str:
    key = status.service_key(word)
    if word.strip() and not key:
        raise UsageError(f"unknown service {quoted(word)}", hints=_close(word, status.services()))
    return key


def _bare(words: list[str]) -> tuple[Reading, ...]:
    if (numbers := _triple(words)) is not None:
        return _reject(numbers) if len(numbers) == 3 else _abort(numbers)
    text = " ".join(words)
    if text[0].isdigit() and "." in text and " " not in text:
        return _uid([text])
    readings = (*_coded(text), *_named(text))
    if not readings:
        raise UsageError(f"cannot explain {quoted(text)}", hints=_close(text, _vocabulary()))
    return readings


def _triple(words: list[str]) -> list[str] | None:
    """Return the two or three numbers of an abort or a rejection, which are often copied as ``1/1/7``."""
    parts = " ".join(words).replace("/", " ").replace(",", " ").split()
    return parts if len(parts) in (2, 3) and all(part.isascii() and part.isdigit() for part in parts) else None


def _coded(word: str) -> tuple[Reading, ...]:
    """Return what a word can mean as a number: four digits as hexadecimal, as logs have them, fewer as decimal."""
    code = _hexadecimal(word)
    if code is not None:
        statuses = tuple(_status_reading(found) for found in status.readings(code))
        command = (_command_reading(code),) if dimse_names.command_name(code) else ()
        # Outside all ranges of a status it is far more likely to be the other thing.
        return (*statuses, *command) if status.lookup(code).service else (*command, *statuses)
    if not (word.isascii() and word.isdigit()) or len(word) > 5:
        return ()
    number = int(word)
    if len(word) == 5 and number <= 0xFFFF:
        return tuple(_status_reading(found) for found in status.readings(number))
    pdu = (_pdu_reading(number),) if number in PDUS else ()
    context = (_context_reading(number),) if number <= 4 else ()
    leave = (_exit_reading(number),) if number in EXITS else ()
    return (*leave, *context, *pdu)


def _hexadecimal(word: str) -> int | None:
    """Return the value of ``A801``, ``0xA801``, ``a801h`` or ``0x7``, or None for anything else."""
    digits = word.lower()
    marked = digits.startswith("0x") or (digits.endswith("h") and len(digits) > 1)
    digits = digits.removeprefix("0x").removesuffix("h")
    if not digits or not all(digit in "0123456789abcdef" for digit in digits):
        return None
    return int(digits, 16) if len(digits) == 4 or (marked and len(digits) < 4) else None


def _named(word: str) -> tuple[Reading, ...]:
    upper = word.upper()
    if upper in _PDU_NAMES:
        return (_pdu_reading(_PDU_NAMES[upper]),)
    fields = (dimse_names.command_field(upper + suffix) for suffix in ("", "-RQ", "-RSP"))
    if found := tuple(_command_reading(field) for field in fields if field is not None):
        return found
    uid = uids.by_keyword(word)
    return (_uid_reading(uid),) if uid else ()


def _reject(words: list[str]) -> tuple[Reading, ...]:
    result, source, reason = _numbers(words, "rj", ("RESULT", "SOURCE", "REASON"))
    found = reasons.explain_reject(result, source, reason)
    facts = (
        ("result", f"{result} ({found.result_name})"),
        ("source", f"{source} ({found.source_name})"),
        ("reason", f"{reason} ({found.name})"),
    )
    return (_reason_reading("rejection", f"A-ASSOCIATE-RJ {result} {source} {reason}: {found.name}", facts, found),)


def _abort(words: list[str]) -> tuple[Reading, ...]:
    source, reason = _numbers(words, "abort", ("SOURCE", "REASON"))
    found = reasons.explain_abort(source, reason)
    name = "not significant" if source == 0 else found.name
    facts = (("source", f"{source} ({found.source_name})"), ("reason", f"{reason} ({name})"))
    return (_reason_reading("abort", f"A-ABORT {source} {reason}: {found.name}", facts, found),)


def _context(words: list[str]) -> tuple[Reading, ...]:
    return (_context_reading(*_numbers(words, "context", ("RESULT",))),)


def _context_reading(result: int) -> Reading:
    found = reasons.explain_context_result(result)
    facts: tuple[tuple[str, str], ...] = (("result", f"{result} ({found.name})"),)
    if found.source_name:
        facts = (*facts, ("decided by", found.source_name))
    return _reason_reading("context result", f"presentation context result {result}: {found.name}", facts, found)


def _reason_reading(kind: str, title: str, facts: tuple[tuple[str, str], ...], found: reasons.Reason) -> Reading:
    if not found.expected:
        facts = (*facts, ("note", "not a combination that a correct peer sends"))
    return Reading(kind, title, facts, found.meaning, found.causes, found.remedies, found.side)


def _status(words: list[str], service: str) -> tuple[Reading, ...]:
    word = _only(words, "status")
    code = _hexadecimal(word if len(word) > 3 else f"0x{word}")
    if code is None and word.isascii() and word.isdigit() and len(word) == 5 and int(word) <= 0xFFFF:
        code = int(word)
    if code is None:
        raise UsageError(f"not a status: {quoted(word)}", hints=("four hexadecimal digits, such as A801 or 0xA801",))
    found = (status.lookup(code, service),) if service else status.readings(code)
    return tuple(_status_reading(one) for one in found)


def _status_reading(found: status.Status) -> Reading:
    code = status.format_status(found.code)
    facts = [("status", code), ("category", found.category)]
    if found.service:
        facts.append(("service", status.service_title(found.service)))
        facts.append(("defined as", found.pattern))
        facts.append(("answers", ", ".join(found.operations)))
    if found.related:
        facts.append(("may come with", ", ".join(found.related)))
    title = f"{code} {found.meaning}"
    return Reading("status", title, tuple(facts), found.explanation, (), found.remedies, found.side)


def _uid(words: list[str]) -> tuple[Reading, ...]:
    word = _only(words, "uid")
    if problem := uids.uid_problem(word):
        if not word[0].isdigit():
            return _keyword(word)
        return (Reading("uid", "not a valid UID", (("uid", printable(word)), ("problem", problem)), _UID_RULES),)
    return (_uid_reading(word),)


def _keyword(word: str) -> tuple[Reading, ...]:
    uid = uids.by_keyword(word)
    if uid is None:
        raise UsageError(f"no UID has the keyword {quoted(word)}", hints=_close(word, uids.keywords()))
    return (_uid_reading(uid),)


def _uid_reading(uid: str) -> Reading:
    entry = uids.lookup(uid)
    if entry is None:
        return Reading("uid", "not a UID of the standard", (("uid", uid),), _unregistered(uid))
    facts = [("uid", uid), ("name", entry.name or "(none)"), ("keyword", entry.keyword or "(none)")]
    facts += [("kind", entry.kind), ("retired", "yes" if entry.retired else "no")]
    if entry.service_class:
        facts.append(("service class", entry.service_class))
    syntax = uids.transfer_syntax(uid)
    if syntax is None:
        return Reading("uid", entry.name or uid, tuple(facts), "")
    facts += [("short name", syntax.short_name), ("encoding", _encoding(syntax)), ("lossy", syntax.lossy)]
    return Reading("uid", entry.name, tuple(facts), _syntax_meaning(syntax))


def _unregistered(uid: str) -> str:
    if uid.startswith("2.25."):
        return "It was made from a UUID, so it does not tell who made it."
    if uid.startswith(uids.DICOM_ROOT):
        return "It lies below the root of DICOM but is not known here: newer than this table, or a mistake."
    return "It belongs to a private root: an instance, an implementation, or a vendor's own SOP class or syntax."


def _encoding(syntax: uids.TransferSyntax) -> str:
    if not syntax.vr:
        return "text"
    return f"{syntax.vr} VR, {syntax.endian} endian"


def _syntax_meaning(syntax: uids.TransferSyntax) -> str:
    if not syntax.negotiated:
        return "It is never negotiated on an association."
    parts = []
    if syntax.deflated:
        parts.append("The data set as a whole is compressed with deflate.")
    if syntax.referenced:
        parts.append("A URL stands in place of pixel data.")
    elif syntax.encapsulated:
        what = "a video stream" if syntax.video else "frames"
        parts.append(f"Pixel data is encapsulated: {what} in fragments.")
    return " ".join(parts) or "Pixel data is native, neither compressed nor encapsulated."


def _command(words: list[str]) -> tuple[Reading, ...]:
    word = _only(words, "command")
    code = _hexadecimal(word if len(word) > 3 else f"0x{word}")
    if code is not None and dimse_names.command_name(code):
        return (_command_reading(code),)
    named = tuple(reading for reading in _named(word) if reading.kind == "command")
    if not named:
        raise UsageError(f"no DIMSE message {quoted(word)}", hints=_close(word, dimse_names.COMMAND_FIELDS))
    return named


def _command_reading(field: int) -> Reading:
    name = dimse_names.command_name(field)
    operation, _, direction = name.rpartition("-")
    facts = (
        ("command field", status.format_status(field)),
        ("message", name),
        ("direction", "request" if direction == "RQ" else "response"),
    )
    return Reading("command", f"{name} ({status.format_status(field)})", facts, DIMSE_SERVICES[operation])


def _pdu(words: list[str]) -> tuple[Reading, ...]:
    word = _only(words, "pdu")
    if word.upper() in _PDU_NAMES:
        return (_pdu_reading(_PDU_NAMES[word.upper()]),)
    number = word.lower().removeprefix("0x").removesuffix("h").lstrip("0")
    if number not in map(str, PDUS):
        raise UsageError(f"no PDU type {quoted(word)}", hints=("types are 01 to 07",))
    return (_pdu_reading(int(number)),)


def _pdu_reading(number: int) -> Reading:
    name, meaning = PDUS[number]
    return Reading("pdu", f"PDU type {number:02X}: {name}", (("type", f"{number:02X}"), ("name", name)), meaning)


def _exit(words: list[str]) -> tuple[Reading, ...]:
    (number,) = _numbers(words, "exit", ("STATUS",))
    if number not in EXITS:
        raise UsageError(f"no command of dcmnet ends with exit status {number}")
    return (_exit_reading(number),)


def _exit_reading(number: int) -> Reading:
    name, meaning, remedies = EXITS[number]
    return Reading("exit", f"exit status {number}: {name}", (("exit", str(number)),), meaning, (), remedies)


def _only(words: list[str], verb: str) -> str:
    if len(words) != 1:
        raise UsageError(f"{verb} takes one word after it")
    return words[0]


def _numbers(words: list[str], verb: str, names: tuple[str, ...]) -> list[int]:
    """Read one byte per name, decimal or ``0x``, with or without labels as in ``result=1``."""
    values = [word.lower().rpartition("=")[2].rstrip(",") for word in " ".join(words).replace("/", " ").split()]
    values = [value for value in values if value.rstrip(":").upper() not in names]
    if len(values) != len(names):
        raise UsageError(f"wrong count of numbers, expected: {verb} {' '.join(names)}")
    return [_byte(value) for value in values]


def _byte(word: str) -> int:
    base, digits = (16, word[2:]) if word.startswith("0x") else (10, word)
    allowed = "0123456789abcdef"[:base]
    if not digits or len(digits) > 3 or any(digit not in allowed for digit in digits) or int(digits, base) > 255:
        raise UsageError(f"not a number from 0 to 255: {quoted(word)}")
    return int(digits, base)


def _vocabulary() -> list[str]:
    return [*dimse_names.COMMAND_FIELDS, *_PDU_NAMES, *uids.keywords(), "status", *_VERBS]


def _close(word: str, known: Sequence[str] | dict[str, int]) -> tuple[str, ...]:
    import difflib

    folded = {one.lower(): one for one in known}
    matches = difflib.get_close_matches(word.lower(), folded, n=3)
    return tuple(f"did you mean {folded[match]}?" for match in matches)


_UID_RULES = "A UID has at most 64 characters: digits in components joined by full stops, none with a leading zero."

# Without numbers after them, the words for a rejection and an abort ask about the PDU itself.
_PDU_NAMES = {name: number for number, (name, _) in PDUS.items()}
_PDU_NAMES |= {"RJ": 3, "REJECT": 3, "REJECTED": 3, "AB": 7, "ABORT": 7}

_VERBS: dict[str, Callable[[list[str]], tuple[Reading, ...]]] = {
    "rj": _reject,
    "reject": _reject,
    "rejected": _reject,
    "a-associate-rj": _reject,
    "ab": _abort,
    "abort": _abort,
    "a-abort": _abort,
    "context": _context,
    "uid": _uid,
    "command": _command,
    "pdu": _pdu,
    "exit": _exit,
}
