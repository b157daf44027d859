"""Which variables of the environment hold secrets: hooks and other programs that we start do not inherit them."""

import os

_withheld: set[str] = set()


def withhold(variable: str) -> None:
    """Keep a variable from programs that are started from now on."""
    _withheld.add(variable)


def public_environment() -> dict[str, str]:
    """Our environment as other programs may see it."""
    return {name: text for name, text in os.environ.items() if name not in _withheld}
