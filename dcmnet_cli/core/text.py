"""Text that a peer wrote, made harmless before a person reads it.

Whatever came over the network may hold escape sequences that drive a terminal, line breaks that forge a log
line, or marks that reverse the order of letters. It is shown, never dropped, so that a stray byte can be seen
and reported.
"""

_LONGEST_EXCERPT = 80


def printable(value: str | bytes) -> str:
    """Return ``value`` with everything that does not show as itself written as ``\\xNN``, ``\\uNNNN`` or
    ``\\UNNNNNNNN``.

    Bytes are read as ASCII, since that is what AE titles, UIDs and version names are made of; every other
    byte is escaped. In text, letters of any script stay; controls, format characters (bidirectional marks
    among them), line and paragraph separators, lone surrogates and spaces that only look like a space are
    escaped. Never raises.
    """
    text = value if isinstance(value, str) else bytes(value).decode("ascii", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(character if _is_harmless(character) else _escape(character) for character in text)


def quoted(value: str | bytes) -> str:
    """Return what :func:`printable` does, in double quotes, a quote or backslash of the value preceded by a
    backslash.

    For values whose blanks and odd bytes matter, such as an AE title that was refused. Never raises.
    """
    if isinstance(value, str):
        parts = [_quote(character) for character in value]
    else:
        parts = [_quote(chr(byte)) if byte < 0x80 else f"\\x{byte:02x}" for byte in bytes(value)]
    return f'"{"".join(parts)}"'


def excerpt(value: str | bytes) -> str:
    """Return what :func:`quoted` does, of the first 80 characters: for values that are wrong, and may be anything."""
    return quoted(value) if len(value) <= _LONGEST_EXCERPT else f"{quoted(value[:_LONGEST_EXCERPT])}..."


def _quote(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if _is_harmless(character) else _escape(character)


def _is_harmless(character: str) -> bool:
    # The wide space of Japanese and Chinese names is unmistakable; a no-break space in an AE title is not.
    return character.isprintable() or character == "\u3000"


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no ASCII, kept by ``surrogateescape``
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
