"""A command line as a shell reads it, without a shell: words that it would expand stay as they were typed."""

import shlex
from collections.abc import Iterable, Iterator

from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

_OPERATORS = frozenset("|&;<>()\n")
_EXPANDED = frozenset("*?[$`")
_EXPANDED_IN_QUOTES = frozenset("$`")


class Typed(str):
    """A word that a shell would expand (``*.dcm``, ``$HOST``), quotes and all as it was typed."""

    __slots__ = ()


def split(line: str) -> list[str]:
    """The words of a line, ``Typed`` where they hold something to expand. Raises UsageError for what is no command."""
    return list(_words(line))


def check_plain(option: str, line: str, then: str = "") -> None:
    """See that a line is nothing for a shell, where there is none to do it.

    Raises UsageError, naming ``option``; ``then`` is what follows the script in the way it shows.
    """
    remedy = f"give it to one: sh -c '...'{then}, or write a script"
    try:
        words = split(line)
    except UsageError as error:
        raise UsageError(f"{option} runs without a shell; {error.message}", hints=(remedy,)) from None
    for word in words:
        if isinstance(word, Typed):
            raise UsageError(f"{option} runs without a shell, which would expand {quoted(word)}", hints=(remedy,))


def join(words: Iterable[str]) -> str:
    """The words as a line to paste into a shell."""
    return " ".join(word if isinstance(word, Typed) else shlex.quote(word) for word in words)


def _words(line: str) -> Iterator[str]:
    position = 0
    while position < len(line):
        if line[position].isspace() and line[position] != "\n":
            position += 1
            continue
        if line.startswith("\\\n", position):
            position += 2
            continue
        end, expands = _end_of_word(line, position)
        typed = line[position:end]
        if end < len(line) and line[end] in _OPERATORS and line[end:].strip():
            raise UsageError(f"one command at a time: {quoted(line[end:].strip()[:20])} is for the shell")
        yield Typed(typed) if expands or typed[:1] == "~" else "".join(shlex.split(typed))
        position = end + (line[end : end + 1] in _OPERATORS)


def _end_of_word(line: str, start: int) -> tuple[int, bool]:
    """Where a word ends, and whether it holds something to expand. Raises UsageError for a quote that stays open."""
    quote, expands, position = "", False, start
    while position < len(line):
        letter = line[position]
        if letter == "\\" and quote != "'":
            position += 1
        elif quote:
            expands = expands or (quote == '"' and letter in _EXPANDED_IN_QUOTES)
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter.isspace() or letter in _OPERATORS:
            break
        else:
            expands = expands or letter in _EXPANDED
        position += 1
    if quote:
        raise UsageError(f"the line ends within {quote}: {quoted(line[start:][:40])}")
    return min(position, len(line)), expands
