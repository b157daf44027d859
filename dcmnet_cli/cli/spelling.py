"""Reading option names as DCMTK's tools do, which is stricter than Typer.

Typer takes an unknown word with one dash for a cluster of one-letter flags, so that a mistyped ``-pud 4`` can mean
``-p -u -d`` without a word of warning. Here a word is an option exactly as declared, or it is refused by its whole
name. Typer gets options first and everything else behind ``--``, where nothing is left to guess.
"""

import os.path
import re
from collections.abc import Iterable, Sequence
from typing import Any

from dcmnet_cli.errors import UsageError

# Typer splits a word at "=" before it looks for the name; these are DCMTK's only names that end in one.
_ENDING_IN_EQUALS = frozenset({"-x=", "+x=", "+t=", "+g="})
_SIGNED_NUMBER = re.compile(r"[+-][0-9]")
_REPEATED = re.compile(r"-([a-z])\1+")


# What follows these, or a name that resembles them, is not to be seen in an error message.
_ATTACHED_SECRET = re.compile(r"(-pwd|[+]pw)(?!=).+")
_TAKING_SECRETS = ("-pwd", "+pw", "--password", "--use-passwd")


def did_you_mean(word: str, names: Iterable[str], *, cutoff: float = 0.65) -> str:
    """``; did you mean -aec or -aet?`` for the names most like ``word``, or nothing when none is close."""
    from difflib import get_close_matches

    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.lower(), []).append(name)
    near = get_close_matches(word.lower(), folded, n=3, cutoff=cutoff)
    near = [name for name in near if len(name) > 2 or len(word) == 2]  # -d resembles too much
    near += [name for name in folded if name.startswith(word.lower()) and len(word) > 3 and name not in near][:3]
    matches = sorted(name for key in near for name in folded[key])
    if not matches:
        return ""
    return f"; did you mean {matches[0] if len(matches) == 1 else ', '.join(matches[:-1]) + ' or ' + matches[-1]}?"


class Spelling:
    """The option names of one command. ``params`` are Typer's, ``help_names`` the words that ask for help.

    ``command`` is its name, by which options of DCMTK that it refuses on purpose are known.
    """

    def __init__(self, params: Iterable[Any], help_names: Sequence[str], command: str = "") -> None:
        self.help_names = help_names
        self._command = command
        self.options: dict[str, Any] = {}
        self.arguments: list[Any] = []
        for param in params:
            if param.param_type_name == "argument":
                self.arguments.append(param)
            else:
                self.options.update(dict.fromkeys((*param.opts, *param.secondary_opts), param))
        self.has_plus = any(name[0] == "+" for name in self.options)

    def respell(self, words: Sequence[str]) -> list[str]:
        """The same command line in words that Typer cannot misread. Raises UsageError for what is not declared."""
        options: list[str] = []
        positionals: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                positionals += rest
                break
            if not self._looks_like_option(word):
                positionals.append(word)
            elif word in self.help_names:
                return [word]  # help is wanted, whatever else is wrong with the line
            else:
                options += self._option(word, rest)
        self._check_count(positionals)
        return [*options, "--", *positionals]

    def respell_group(self, words: Sequence[str]) -> list[str]:
        """As ``respell``, for the words before a subcommand; what follows the first plain word is left alone."""
        for word in words:
            if not self._looks_like_option(word):
                break
            if word not in self.options:
                near = did_you_mean(word, self.options, cutoff=0.8)
                raise UsageError(
                    f'no such option "{word}"{near or "; options stand after the command, as in dcmnet echo -v"}'
                )
        return list(words)

    def _looks_like_option(self, word: str) -> bool:
        if word in self.options:
            return True
        # DCMTK lets "+1.dcm" and "-1" through as parameters, since no option starts with a digit.
        return len(word) > 1 and word[0] in ("-+" if self.has_plus else "-") and not _SIGNED_NUMBER.match(word)

    def _option(self, word: str, rest: list[str]) -> list[str]:
        """One option with its values, which are taken out of ``rest``."""
        if word in self.options:
            return [self._plain_name(word), *self._values(word, self._value_count(word), rest)]
        name, equals, value = word.partition("=")
        if equals and name in self.options:
            count = self._value_count(name)
            if count == 0:
                raise UsageError(f"{name} takes no value")
            return [name, value, *self._values(name, count - 1, rest)]
        repeated = _REPEATED.fullmatch(word)
        if repeated and getattr(self.options.get(word[:2]), "count", False):
            return [word[:2]] * (len(word) - 1)
        raise UsageError(self._refused(name) or self._unknown(word))

    def _plain_name(self, word: str) -> str:
        if word not in _ENDING_IN_EQUALS:
            return word
        param = self.options[word]
        names = param.opts if word in param.opts else param.secondary_opts
        return str(next(name for name in names if name not in _ENDING_IN_EQUALS))

    def _value_count(self, name: str) -> int:
        param = self.options[name]
        return 0 if param.is_flag or param.count else param.nargs

    def _values(self, name: str, count: int, rest: list[str]) -> list[str]:
        if len(rest) < count:
            raise UsageError(f"{name} needs {self.options[name].metavar or 'a value'}")
        values, rest[:count] = rest[:count], []
        return values

    def _refused(self, name: str) -> str:
        from dcmnet_cli.cli.dcmtk_differences import refusal

        known = refusal(self._command, name)
        return f"{name} is not supported: {known.sentence}" if known is not None else ""

    def _unknown(self, word: str) -> str:
        name, equals, _ = word.partition("=")
        near = did_you_mean(name, self.options)
        if equals and any(secret in near for secret in _TAKING_SECRETS):
            return f'no such option "{name}=..."{near}'
        if not equals and (secret_attached := _ATTACHED_SECRET.fullmatch(word)):
            return f'no such option "{secret_attached[1]}..."; a value stands apart from its option'
        message = f'no such option "{word}"'
        short, attached = word[:2], word[2:]
        if short in self.options and self._value_count(short) and not attached.isalpha():
            return f"{message}; a value stands apart from its option: {short} {attached}"
        if os.path.lexists(word):
            return f"{message}; the file of that name is given as ./{word}, or after --"
        apart = [word[0] + letter for letter in word[1:]]
        # Among so many names of three characters, two flags run together resemble some other one by chance.
        if (len(word) == 3 or not near) and all(name in self.options for name in apart):
            return f"{message}; options stand apart: {' '.join(apart)}"
        return message + near

    def _check_count(self, positionals: list[str]) -> None:
        if any(param.nargs < 0 for param in self.arguments):
            return
        surplus = positionals[sum(param.nargs for param in self.arguments) :]
        if surplus:
            raise UsageError(f'unexpected argument "{surplus[0]}"')
