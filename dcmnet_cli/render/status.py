"""A DIMSE status in words."""

from dcmnet_cli.core import status as dimse_status
from dcmnet_cli.core.text import printable
from dcmnet_cli.render.words import tag


def status_line(code: int, service: str = "") -> str:
    """``0xA801 failure: refused: move destination unknown``: number, category, the standard's term.

    ``service`` is a word that ``core.status.lookup`` knows, such as "move" or "C-MOVE-RSP".
    """
    found = dimse_status.lookup(code, service)
    number = dimse_status.format_status(code)
    meaning = found.meaning
    if meaning[1:2].islower():  # a word of the sentence, not an abbreviation such as SOP
        meaning = meaning[:1].lower() + meaning[1:]
    return f"{number} {found.category}" if meaning == found.category else f"{number} {found.category}: {meaning}"


def status_facts(
    code: int, service: str = "", error_comment: str = "", offending_element: tuple[int, ...] = ()
) -> tuple[tuple[str, str], ...]:
    """The same with what came along, as (label, value) pairs for a diagnosis; absent things are left out."""
    facts = [("Status", status_line(code, service))]
    if error_comment:
        facts.append(("Error Comment", f'"{printable(error_comment)}"'))
    if offending_element:
        facts.append(("Offending Element", ", ".join(map(tag, offending_element))))
    return tuple(facts)


def status_json(
    code: int, service: str = "", error_comment: str = "", offending_element: tuple[int, ...] = ()
) -> dict[str, object]:
    """The same for JSON: the number, its usual spelling, category and name side by side."""
    found = dimse_status.lookup(code, service)
    return {
        "status": code,
        "status_hex": dimse_status.format_status(code),
        "status_category": found.category,
        "status_name": found.meaning,
        "error_comment": error_comment,
        "offending_element": [tag(number) for number in offending_element],
    }
