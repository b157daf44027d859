"""The few man(7) macros that the pages are made of, and how text gets into them unharmed."""

import re
from collections.abc import Iterable
from textwrap import wrap

_SPECIAL = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
_WIDTH = 110


def escape(text: str) -> str:
    """Text that shows as it is, and can be copied from the page: hyphens and quotes stay what they are in a shell."""
    if not text.isascii():
        raise ValueError(f"not ASCII: {text!r}")
    return "".join(_SPECIAL.get(character, character) for character in text)


def prose(text: str) -> str:
    """A paragraph, words between backquotes in bold, in lines of a handy length."""
    lines = wrap(" ".join(text.split()), _WIDTH, break_on_hyphens=False, break_long_words=False)
    return "\n".join(_guard(_styled(line)) for line in _whole(lines))


def bold(text: str) -> str:
    return f"\\fB{escape(text)}\\fR"


def italic(text: str) -> str:
    return f"\\fI{escape(text)}\\fR"


def section(title: str) -> str:
    return f".SH {escape(title.upper())}"


def subsection(title: str) -> str:
    return f".SS {escape(title)}"


def paragraphs(texts: Iterable[str]) -> list[str]:
    """Each behind a mark of its own; the first one of a section needs none."""
    return [line for number, text in enumerate(texts) for line in ((".PP",) if number else ()) + (prose(text),)]


def term(name: str, text: str) -> list[str]:
    """An entry of a list. ``name`` is ready for the page, ``text`` is prose."""
    return [".TP", _guard(name), prose(text)]


def literal(lines: Iterable[str]) -> list[str]:
    """Lines as they stand, in the font of code."""
    return [".PP", ".RS 4", ".EX", *(_guard(escape(line)) if line else "\\&" for line in lines), ".EE", ".RE"]


def _whole(lines: list[str]) -> list[str]:
    """``lines`` with none that ends between two backquotes."""
    whole: list[str] = []
    for line in lines:
        if whole and whole[-1].count("`") % 2:
            whole[-1] += f" {line}"
        else:
            whole.append(line)
    return whole


def _styled(line: str) -> str:
    parts = re.split(r"`([^`]*)`", line)
    styled = "".join(bold(part) if number % 2 else escape(part) for number, part in enumerate(parts))
    return re.sub(r"(?<!\S)(?=\S*(?:\\[f-]|[/_={@0-9]|[a-z][A-Z]))", r"\\%", styled)  # names are not parted


def _guard(line: str) -> str:
    """A line that cannot be taken for a request."""
    return f"\\&{line}" if line.startswith((".", "'")) else line
