"""What went wrong in a handshake, said so that the right person can mend the right thing."""

import time
from typing import NamedTuple

from dcmnet_cli.core.banner import recognise
from dcmnet_cli.core.certificate import Certificate
from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.errors import TimedOut, TLSError


class Circumstances(NamedTuple):
    """What is known about a handshake beside its failure.

    ``peer`` is ``host:port``, ``host`` the name that the certificate has to hold, ``has_certificate`` whether we have
    one to show.
    """

    peer: str
    host: str = ""
    is_server: bool = False
    has_certificate: bool = True


_PLAIN_HINTS = (
    "if the peer speaks plain DICOM on this port, leave TLS out",
    "the TLS port of a DICOM server is often 2762, check the port number",
)


def closed(at: Circumstances, received: int, how: str) -> TLSError:
    """Return the error for a connection that ended during the handshake, after ``received`` bytes from the peer."""
    verb = "reset" if how == "reset" else "closed"
    when = "during the handshake" if received else "at once, without a word of TLS"
    return _error(
        at, f"the {_other(at)} {verb} the connection {when}", verb, () if received or at.is_server else _PLAIN_HINTS
    )


def silent(at: Circumstances, received: int, timeout: float) -> TimedOut:
    """Return the error for a handshake that did not end in time."""
    what = "stopped halfway" if received else "said nothing"
    error = TimedOut(
        f"TLS handshake with {at.peer} timed out after {timeout:g} s: the {_other(at)} {what}",
        "tls",
        timeout,
        hints=() if received or at.is_server else _PLAIN_HINTS,
    )
    error.layer = "tls"
    return error


def not_tls(at: Circumstances, first_bytes: bytes) -> TLSError:
    """Return the error for a peer whose first bytes are no TLS record."""
    banner = recognise(first_bytes)
    if banner is None:
        hint = "give the client the settings of a TLS connection" if at.is_server else _PLAIN_HINTS[0]
        return _error(at, f"the {_other(at)} speaks plain DICOM, not TLS", "plain_dicom", (hint,))
    hints = () if at.is_server else _PLAIN_HINTS[1:]
    return _error(
        at, f"the {_other(at)} does not speak TLS: {banner.words}", "not_tls", hints, protocol=banner.protocol
    )


def unverified(at: Circumstances, code: int, words: str, certificate: Certificate | None) -> TLSError:
    """Return the error for a certificate that did not verify: ``code`` and ``words`` are OpenSSL's (X509_V_ERR)."""
    reason = _VERIFY_REASONS.get(code, "certificate")
    text, hints = _verify_words(at, reason, printable(words), certificate)
    return _error(
        at,
        text,
        reason,
        hints,
        verify_code=code,
        certificate=certificate._asdict() if certificate else None,
    )


_VERIFY_REASONS = {
    2: "unknown_ca",
    3: "no_crl",
    9: "not_yet_valid",
    10: "expired",
    11: "crl_expired",
    12: "crl_expired",
    18: "self_signed",
    19: "unknown_ca",
    20: "unknown_ca",
    21: "unknown_ca",
    23: "revoked",
    24: "invalid_ca",
    26: "wrong_purpose",
    62: "name_mismatch",
    64: "name_mismatch",
    66: "weak_key",
    67: "weak_key",
    68: "weak_key",
    79: "invalid_ca",
}


def _verify_words(
    at: Circumstances, reason: str, words: str, certificate: Certificate | None
) -> tuple[str, tuple[str, ...]]:
    whose = f"the {_other(at)}'s certificate"
    issuer = f" ({certificate.issuer})" if certificate else ""
    if reason == "unknown_ca":
        return f"{whose} is signed by an authority that is not trusted here{issuer}", (
            "get the certificate of that authority from the peer's owner and trust it with +cf FILE",
            "the peer may fail to send its intermediate certificates",
        )
    if reason == "self_signed":
        return f"{whose} is self-signed and not trusted here{issuer}", (
            "get the certificate from the peer's owner by a safe way and trust it with +cf FILE",
        )
    if reason in ("expired", "not_yet_valid"):
        return _validity_words(whose, reason, certificate), (
            f"have the certificate of the {_other(at)} renewed",
            "check the clock of this machine",
        )
    if reason == "name_mismatch":
        return _name_words(at, whose, certificate)
    return f"{whose} is not accepted: {words}", _VERIFY_HINTS.get(reason, ())


_VERIFY_HINTS = {
    "no_crl": ("give the revocation list of every authority in question with +crl FILE",),
    "crl_expired": ("get a new revocation list from the authority",),
    "revoked": ("the authority has withdrawn the certificate: ask its owner for the new one",),
    "weak_key": ("have the certificate renewed with an RSA key of 2048 bits or more, and SHA-256",),
    "wrong_purpose": ("the certificate was issued for another use: its extended key usage has to allow this one",),
}


def _validity_words(whose: str, reason: str, certificate: Certificate | None) -> str:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    is_expired = reason == "expired"
    verb = "has expired" if is_expired else "is not yet valid"
    if certificate is None:
        return f"{whose}, or one of its authorities, {verb}"
    moment = certificate.not_after if is_expired else certificate.not_before
    if (moment < now) != is_expired:
        return f"an authority of {whose} {verb} ({certificate.issuer})"
    day = f"{moment[:10]} {moment[11:16]} UTC"
    return f"{whose} expired on {day}" if is_expired else f"{whose} is not valid before {day}"


def _name_words(at: Circumstances, whose: str, certificate: Certificate | None) -> tuple[str, tuple[str, ...]]:
    hints = ("have the certificate renewed with this name among its subject alternative names",)
    if certificate is None:
        return f"{whose} is not for {quoted(at.host)}", hints
    names = certificate.names or (certificate.subject,)
    shown = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
    return f"{whose} is for {shown}, not for {quoted(at.host)}", (
        "connect by a name that the certificate holds, or give that name with --request-sni",
        *hints,
    )


def broken_off(at: Circumstances, reason: str, *, is_first: bool = False) -> TLSError:
    """Return the error for a failure that OpenSSL names ``reason``, an alert from the peer among them.

    ``is_first`` says that the peer's first record was an alert, so that it never got to see a certificate.
    """
    if reason in _CERTIFICATE_ALERTS or reason == _HANDSHAKE_FAILURE:
        return _refused(at, reason, is_first)
    if reason in _DEMANDED and not at.is_server:
        return _certificate_demanded(at)
    kind, text, hints = _OTHER_REASONS.get(reason, ("protocol", "", ()))
    words = printable(reason.replace("_", " ").lower())
    return _error(at, (text or words).format(other=_other(at), host=at.host), kind, hints, openssl=reason)


_HANDSHAKE_FAILURE = "SSLV3_ALERT_HANDSHAKE_FAILURE"
_CERTIFICATE_ALERTS = {
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority that signed it",
    "SSLV3_ALERT_BAD_CERTIFICATE": "bad certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "unsupported kind of certificate",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it is revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "certificate unknown",
    "TLSV1_ALERT_ACCESS_DENIED": "access denied",
    "TLSV1_ALERT_DECRYPT_ERROR": "the signature made with its key does not verify",
}
_DEMANDED = ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_NO_CERTIFICATE")
_NO_VERSION = (
    "no_shared_version",
    "no TLS version in common with the {other}",
    ("the other side may know older versions only: have it updated, or allow them here (+px: TLS 1.0 and 1.1)",),
)
_NO_CIPHER = (
    "no_shared_cipher",
    "no cipher suite in common with the {other}",
    ("add a suite that the peer has with +cs NAME, or choose another profile; +cc lists the suites",),
)
_NO_NAME = ("unknown_name", "the {other} does not serve the name {host}", ("give another name with --request-sni",))
_WEAK = ("weak_key", "the {other} uses a key that is too short for this profile", ())
_OTHER_REASONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "TLSV1_ALERT_PROTOCOL_VERSION": _NO_VERSION,
    "UNSUPPORTED_PROTOCOL": _NO_VERSION,
    "WRONG_SSL_VERSION": _NO_VERSION,
    "UNKNOWN_PROTOCOL": _NO_VERSION,
    "VERSION_TOO_LOW": _NO_VERSION,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _NO_CIPHER,
    "NO_SHARED_CIPHER": _NO_CIPHER,
    "TLSV1_UNRECOGNIZED_NAME": _NO_NAME,
    "DH_KEY_TOO_SMALL": _WEAK,
    "EE_KEY_TOO_SMALL": _WEAK,
    "WRONG_VERSION_NUMBER": ("not_tls", "the {other} sent something that is not TLS", ()),
    "CALLBACK_FAILED": ("unknown_name", "the {other} asked for another server name, or for none", ()),
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        "no_client_certificate",
        "the {other} showed no certificate",
        ("give the client a key and a certificate, or verify only what is shown (-vc)",),
    ),
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": ("integrity", "what the {other} sent was changed on the way", ()),
}


def _refused(at: Circumstances, reason: str, is_first: bool) -> TLSError:
    if reason == _HANDSHAKE_FAILURE and is_first:
        return _error(
            at,
            f"the {_other(at)} refused the handshake: no TLS version or cipher suite in common",
            "no_shared_cipher",
            _NO_CIPHER[2] + _NO_VERSION[2],
            openssl=reason,
        )
    if reason == _HANDSHAKE_FAILURE and at.is_server:
        words = "the client broke off with a handshake failure; it may want to renegotiate, which is not done here"
        return _error(at, words, "protocol", (), openssl=reason)
    if not at.has_certificate:
        return _certificate_demanded(at)
    words = _CERTIFICATE_ALERTS.get(reason, "handshake failure")
    return _error(
        at,
        f"the {_other(at)} refused our certificate: {words}",
        "our_certificate_refused",
        (
            f"give the authority that signed our certificate to the owner of the {_other(at)}",
            "check with openssl x509 that our certificate is valid and meant for this use",
        ),
        openssl=reason,
    )


def _certificate_demanded(at: Circumstances) -> TLSError:
    return _error(
        at,
        f"the {_other(at)} demands a certificate from us",
        "client_certificate_required",
        ("give a private key and a certificate that the peer trusts with +tls KEY CERTIFICATE",),
    )


def _error(at: Circumstances, text: str, reason: str, hints: tuple[str, ...], **details: object) -> TLSError:
    return TLSError(f"TLS with {at.peer} failed: {text}", reason, hints=hints, **details)


def _other(at: Circumstances) -> str:
    return "client" if at.is_server else "peer"
