"""What the options say about TLS, and the profiles they may name. Free of ``ssl``, which costs time to import."""

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError


class TLSSettings(NamedTuple):
    """Everything about TLS that can be set, for either role.

    ``key_password`` is asked only when the key is encrypted; None means that there is none to give. Without
    ``ca_files`` and ``ca_dirs`` a requestor trusts what the system trusts, with them nothing else. Files may be PEM
    or DER, their contents tell. ``crl_check`` is "none", "leaf" or "chain"; ``crl_files`` alone mean "leaf".
    ``verify`` is "require", "verify-if-present" (an acceptor's choice) or "ignore". ``server_name`` replaces the host
    name in the hello and in the check; an acceptor refuses every other name. ``ciphers`` are added to the profile's.
    """

    key_file: str | None = None
    certificate_file: str | None = None
    key_password: Callable[[], str] | str | None = None
    ca_files: tuple[str, ...] = ()
    ca_dirs: tuple[str, ...] = ()
    crl_files: tuple[str, ...] = ()
    crl_check: str = "none"
    verify: str = "require"
    check_hostname: bool = True
    server_name: str | None = None
    profile: str = "8996"
    ciphers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # Settings end up in tracebacks and debug output; the password must not.
        shown = self._asdict() | ({"key_password": "***"} if self.key_password is not None else {})
        return f"TLSSettings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class Profile(NamedTuple):
    """A profile of PS3.15 annex B: ``oldest`` version and the suites of TLS 1.2 and below, in OpenSSL's names.

    The suites of TLS 1.3 are always those of the library: the three that PS3.15 B.13 names first. The Camellia suites
    that B.11 and B.13 allow are left out, as OpenSSL has none of them with GCM.
    """

    name: str
    option: str
    title: str
    oldest: str
    ciphers: tuple[str, ...]
    security_level: int = 2


# RFC 9325 4.2
_RECOMMENDED = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
_DHE = ("DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256")
_MODIFIED = (
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    *(f"ECDHE-ECDSA-{cipher}" for cipher in ("AES256-CCM", "AES128-CCM", "AES256-CCM8", "AES128-CCM8")),
    *_DHE,
    *(f"DHE-RSA-{cipher}" for cipher in ("AES256-CCM", "AES128-CCM", "AES256-CCM8", "AES128-CCM8")),
    "DHE-RSA-CHACHA20-POLY1305",
)
_OLD = ("ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA", "AES256-SHA", "AES128-SHA")

PROFILES = (
    Profile("8996", "+pg", "BCP 195 with RFC 8996 (PS3.15 B.12)", "1.2", _RECOMMENDED),
    Profile("8996-mod", "+pm", "modified BCP 195 with RFC 8996 (PS3.15 B.13)", "1.2", _RECOMMENDED + _MODIFIED),
    Profile("tls1.3", "", "nothing older than TLS 1.3", "1.3", ()),
    Profile("bcp195-nd", "+py", "non-downgrading BCP 195 (retired, was PS3.15 B.10)", "1.2", _RECOMMENDED + _DHE),
    Profile(
        "bcp195-ex",
        "+pz",
        "extended BCP 195 (retired, was PS3.15 B.11)",
        "1.2",
        _RECOMMENDED + _DHE,
    ),
    # The only one that lets a peer of TLS 1.0 in, whose handshake OpenSSL 3 allows at level 0 and no higher.
    Profile(
        "bcp195", "+px", "BCP 195 with TLS 1.0 and 1.1 (retired, was PS3.15 B.9)", "1.0", _RECOMMENDED + _DHE + _OLD, 0
    ),
)

_RETIRED = {"+pa": "AES TLS", "+pb": "basic TLS", "+pn": "unencrypted TLS", "aes": "AES TLS", "basic": "basic TLS"}
_RETIRED["null"] = _RETIRED["+pn"]


def find_profile(name: str) -> Profile:
    """Return the profile of this name or DCMTK option (``+pg``, ``--profile-8996``); raises UsageError."""
    wanted = name.lower().removeprefix("--profile-")
    for profile in PROFILES:
        if wanted in (profile.name, profile.option):
            return profile
    if wanted in _RETIRED:
        raise UsageError(
            f"the {_RETIRED[wanted]} profile ({name}) is retired and not secure",
            hints=(
                "use +pg (8996), the profile in force",
                "for a peer that knows nothing newer than TLS 1.0, use +px (bcp195)",
            ),
        )
    known = ", ".join(profile.name for profile in PROFILES)
    raise UsageError(f"TLS profile {quoted(name)} is none of {known}")


def security_notes(settings: TLSSettings, *, is_server: bool = False) -> tuple[str, ...]:
    """Return what a person must be told before these settings are used, one sentence each."""
    notes = []
    if settings.verify == "ignore":
        peer = "clients are not authenticated" if is_server else "anyone can pose as the peer and read the data"
        notes.append(f"WARNING: certificates are NOT verified, {peer}; for finding faults only")
    elif not is_server and not settings.check_hostname:
        notes.append("the name in the peer's certificate is not checked: any certificate of the same authority will do")
    if find_profile(settings.profile).oldest < "1.2":
        notes.append(
            f"profile {settings.profile} allows TLS 1.0 and 1.1, which are broken; only for peers without newer ones"
        )
    if settings.key_file is not None and _is_readable_by_others(settings.key_file):
        notes.append(f"private key {settings.key_file} can be read by every user of this machine: chmod 600 it")
    return tuple(notes)


def _is_readable_by_others(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except OSError:
        # A key that is not there is reported where it is read.
        return False


# Names of the TLS registry are OpenSSL's with other separators, but for these parts.
_IANA_PARTS = (
    ("_WITH_", "-"),
    ("3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
    ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
    ("CCM_8", "CCM8"),
    ("AES_", "AES"),
    ("CAMELLIA_", "CAMELLIA"),
    ("_CBC", ""),
    ("_", "-"),
)


def openssl_name(suite: str) -> str:
    """Return OpenSSL's name of a suite of TLS 1.2 or below written as in the registry (``TLS_..._WITH_...``).

    Every other name, the ones of TLS 1.3 too, comes back as it is.
    """
    if not suite.startswith("TLS_") or "_WITH_" not in suite:
        return suite
    name = suite.removeprefix("TLS_")
    for iana, openssl in _IANA_PARTS:
        name = name.replace(iana, openssl)
    # Plain RSA key exchange goes without saying.
    return name.removeprefix("RSA-")
