"""From TLS settings to the contexts of the ``ssl`` module, every file checked and named when it is wrong."""

import os
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from dcmnet_cli.core.certificate import elements
from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.errors import InputError, UsageError
from dcmnet_cli.net.tls_settings import Profile, TLSSettings, find_profile, openssl_name

_VERIFY_MODES = {
    "require": ssl.CERT_REQUIRED,
    "verify-if-present": ssl.CERT_OPTIONAL,
    "ignore": ssl.CERT_NONE,
}
_CRL_FLAGS = {
    "none": ssl.VERIFY_DEFAULT,
    "leaf": ssl.VERIFY_CRL_CHECK_LEAF,
    "chain": ssl.VERIFY_CRL_CHECK_CHAIN,
}
_VERSIONS = {"1.0": "TLSv1", "1.2": "TLSv1_2", "1.3": "TLSv1_3"}
_CERTIFICATE_SUFFIXES = (".pem", ".crt", ".cer", ".der")


def client_context(settings: TLSSettings) -> ssl.SSLContext:
    """Return the context of a requestor, good for any number of connections.

    Raises UsageError for settings that cannot be meant, InputError for files that cannot be used; neither ever holds
    the password.
    """
    _check_words(settings)
    context = _context(ssl.PROTOCOL_TLS_CLIENT, settings)
    # A server always sends its certificate, so that "if present" has no meaning of its own here.
    is_verified = settings.verify != "ignore"
    context.check_hostname = is_verified and settings.check_hostname
    context.verify_mode = ssl.CERT_REQUIRED if is_verified else ssl.CERT_NONE
    if not (settings.ca_files or settings.ca_dirs):
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def server_context(settings: TLSSettings) -> ssl.SSLContext:
    """Return the context of an acceptor, as :func:`client_context` does.

    Needs a key and a certificate, and authorities unless clients are not verified: the system's store vouches for web
    sites and says nothing about who may send images.
    """
    _check_words(settings)
    if settings.key_file is None or settings.certificate_file is None:
        raise UsageError(
            "a TLS server needs a private key and a certificate", hints=("give both with +tls KEY CERTIFICATE",)
        )
    if settings.verify != "ignore" and not (settings.ca_files or settings.ca_dirs):
        raise UsageError(
            "clients are to be verified, but no certificate authority is given: every one would be refused",
            hints=(
                "give the authority of the clients' certificates with +cf FILE",
                "use -ic to take clients without certificates",
            ),
        )
    context = _context(ssl.PROTOCOL_TLS_SERVER, settings)
    context.verify_mode = _VERIFY_MODES[settings.verify]
    # Some toolkits fail on the second connection when they are offered the session of the first.
    context.num_tickets = 0
    if settings.server_name is not None:
        context.sni_callback = _only_for(settings.server_name)
    return context


def _only_for(expected: str) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]:
    def check(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
        if name is not None and name.lower() == expected.lower():
            return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    return check


def _context(protocol: int, settings: TLSSettings) -> ssl.SSLContext:
    profile = find_profile(settings.profile)
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    with warnings.catch_warnings():
        # The one profile for old peers is asked for by name and has its own note.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = getattr(ssl.TLSVersion, _VERSIONS[profile.oldest])
    _set_ciphers(context, profile, settings.ciphers)
    _load_key(context, settings)
    _load_authorities(context, settings)
    return context


def _check_words(settings: TLSSettings) -> None:
    if settings.verify not in _VERIFY_MODES:
        raise UsageError(f"{quoted(settings.verify)} is none of {', '.join(_VERIFY_MODES)}")
    if settings.crl_check not in _CRL_FLAGS:
        raise UsageError(f"{quoted(settings.crl_check)} is none of {', '.join(_CRL_FLAGS)}")
    if (settings.key_file is None) != (settings.certificate_file is None):
        raise UsageError("a private key and its certificate go together: give both or none")


def usable_ciphers(profile: str = "8996") -> tuple[str, ...]:
    """Return OpenSSL's names of the suites that a profile offers with this library, those of TLS 1.3 first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found = find_profile(profile)
    _set_ciphers(context, found, ())
    names = [str(cipher["name"]) for cipher in context.get_ciphers()]
    return tuple(name for name in names if name.startswith("TLS_") or found.ciphers)


def _set_ciphers(context: ssl.SSLContext, profile: Profile, extra: tuple[str, ...]) -> None:
    added = [_checked_cipher(name) for name in extra]
    if profile.ciphers:
        context.set_ciphers(":".join((*profile.ciphers, *added, f"@SECLEVEL={profile.security_level}")))
    elif added:
        raise UsageError(f"profile {profile.name} leaves the cipher suites to TLS 1.3: none can be added")


# By certificate, and not by a shared password or not at all.
_AUTHENTICATED = ("auth-rsa", "auth-ecdsa", "auth-dss", "auth-any")


def _checked_cipher(name: str) -> str:
    """Return OpenSSL's name of a suite that encrypts and authenticates; OpenSSL itself skips what it does not know."""
    wanted = openssl_name(name.strip())
    scratch = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    scratch.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    known = {str(cipher["name"]): cipher for cipher in scratch.get_ciphers()}
    cipher = known.get(wanted)
    if cipher is None:
        raise UsageError(
            f"cipher suite {quoted(name)} is not known to {ssl.OPENSSL_VERSION}",
            hints=("+cc lists the suites that can be used",),
        )
    if not cipher["strength_bits"] or cipher["auth"] not in _AUTHENTICATED:
        raise UsageError(f"cipher suite {quoted(name)} does not protect: it lacks encryption or authentication")
    return wanted


def _load_key(context: ssl.SSLContext, settings: TLSSettings) -> None:
    if settings.key_file is None or settings.certificate_file is None:
        return
    key = _pem_of_key(settings.key_file)
    certificate = _pem_of_certificate(settings.certificate_file)
    password = _Password(settings)
    try:
        with ExitStack() as files:
            context.load_cert_chain(
                files.enter_context(_as_file(settings.certificate_file, certificate)),
                files.enter_context(_as_file(settings.key_file, key)),
                password,
            )
    except (ssl.SSLError, ValueError) as error:
        raise _key_error(settings, password.was_asked, getattr(error, "reason", None) or str(error)) from None


class _Password:
    """Answers OpenSSL's question for a password, which it would otherwise put to the terminal."""

    def __init__(self, settings: TLSSettings) -> None:
        self._settings = settings
        self.was_asked = False

    def __call__(self) -> str:
        self.was_asked = True
        secret = self._settings.key_password
        if secret is None:
            raise InputError(
                f"private key {self._settings.key_file} is encrypted and no password is given",
                hints=("give the password in a file, in an environment variable or at the prompt",),
            )
        return secret() if callable(secret) else secret


def _key_error(settings: TLSSettings, was_asked: bool, reason: str) -> InputError:
    key, certificate = settings.key_file, settings.certificate_file
    if reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
        return InputError(
            f"private key {key} does not belong to certificate {certificate}",
            hints=("check that both were made together; a chain file must begin with our own certificate",),
        )
    if reason.endswith(("KEY_TOO_SMALL", "MD_TOO_WEAK")):
        return InputError(f"certificate {certificate} is too weak for TLS profile {settings.profile}: {_words(reason)}")
    if was_asked:
        return InputError(f"the password does not open private key {key}")
    return InputError(f"cannot use private key {key} with certificate {certificate}: {_words(reason)}")


def _words(reason: str) -> str:
    return printable(reason.replace("_", " ").lower() if reason.isupper() else reason)


def _read(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise InputError(f"cannot read {what} {path}: {(error.strerror or str(error)).lower()}", file=path) from error


def _is_pem(data: bytes) -> bool:
    return b"-----BEGIN " in data


def _pem_of_key(path: str) -> bytes | None:
    """Check that the file holds a private key, and return it as PEM if it is not PEM already."""
    data = _read(path, "private key")
    if _is_pem(data):
        if b"PRIVATE KEY-----" not in data:
            raise InputError(f"{path} holds no private key", hints=_ORDER_HINTS, file=path)
        return None
    return _as_pem(data, _kind_of_key(path, data))


_ORDER_HINTS = ("the private key comes first, then the certificate: +tls KEY CERTIFICATE",)


def _kind_of_key(path: str, data: bytes) -> str:
    """Return the PEM label of a DER key, told from its first two elements (RFC 5208, RFC 8017 A.1.2, RFC 5915)."""
    try:
        (first, value), (second, _) = elements(elements(data)[0][1])[:2]
    except (ValueError, IndexError):
        raise InputError(f"{path} is neither a PEM nor a DER private key", hints=_ORDER_HINTS, file=path) from None
    if (first, value) == (0x02, b"\3"):
        raise InputError(
            f"{path} is a PKCS #12 file, which holds key and certificate together",
            hints=(
                f"openssl pkcs12 -in {path} -nocerts -out key.pem",
                f"openssl pkcs12 -in {path} -nokeys -out certificate.pem",
            ),
            file=path,
        )
    kinds = {
        (0x02, 0x30): "PRIVATE KEY",
        (0x02, 0x02): "RSA PRIVATE KEY",
        (0x02, 0x04): "EC PRIVATE KEY",
        (0x30, 0x04): "ENCRYPTED PRIVATE KEY",
    }
    if (first, second) not in kinds:
        raise InputError(f"{path} holds no private key", hints=_ORDER_HINTS, file=path)
    return kinds[first, second]


def _pem_of_certificate(path: str) -> bytes | None:
    data = _read(path, "certificate")
    if not _is_pem(data):
        return _as_pem(data, "CERTIFICATE")
    if b"CERTIFICATE-----" not in data:
        raise InputError(f"{path} holds no certificate", hints=_ORDER_HINTS, file=path)
    return None


def _as_pem(der: bytes, label: str) -> bytes:
    text = ssl.DER_cert_to_PEM_cert(der)
    return text.replace(" CERTIFICATE-", f" {label}-").encode()


@contextmanager
def _as_file(path: str, pem: bytes | None) -> Iterator[str]:
    """Lend the name of a file with this PEM: ``path`` itself if there is no need for another.

    The ssl module takes keys from files only, so that a DER key has to pass through one, in a folder of our own and
    for a moment.
    """
    if pem is None:
        yield path
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="dcmnet-") as folder:
        name = os.path.join(folder, "pem")
        with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(pem)
        yield name


def _load_authorities(context: ssl.SSLContext, settings: TLSSettings) -> None:
    for path in settings.ca_files:
        data = _read(path, "certificate authority")
        if not _load(context, path, data):
            raise InputError(f"{path} holds no certificate", file=path)
    for folder in settings.ca_dirs:
        _load_folder(context, folder)
    for path in settings.crl_files:
        data = _read(path, "revocation list")
        pem = None if _is_pem(data) else _as_pem(data, "X509 CRL")
        try:
            with _as_file(path, pem) as name:
                context.load_verify_locations(name)
        except ssl.SSLError:
            raise InputError(f"{path} holds no certificate revocation list", file=path) from None
    check = settings.crl_check
    if check == "none" and settings.crl_files:
        check = "leaf"
    if check != "none" and not (settings.crl_files or settings.ca_dirs):
        raise UsageError(
            "certificates cannot be checked for revocation without a list", hints=("give it with +crl FILE",)
        )
    # Whatever the user trusts by name is trusted as it stands, an intermediate authority or the peer's own too.
    context.verify_flags |= _CRL_FLAGS[check] | ssl.VERIFY_X509_PARTIAL_CHAIN


def _load(context: ssl.SSLContext, path: str, data: bytes) -> bool:
    try:
        if _is_pem(data):
            context.load_verify_locations(path)
        else:
            context.load_verify_locations(cadata=data)
    except ssl.SSLError:
        return False
    return True


def _load_folder(context: ssl.SSLContext, folder: str) -> None:
    """Trust what lies in a folder, under the hashed names that OpenSSL looks for or under names of its own choice."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        raise InputError(f"cannot read certificate folder {folder}: {words}", file=folder) from error
    paths = [os.path.join(folder, name) for name in names if name.lower().endswith(_CERTIFICATE_SUFFIXES)]
    loaded = [_load(context, path, _read(path, "certificate")) for path in paths]
    is_hashed = any(len(name) >= 10 and name[8] == "." and name[9:].isdecimal() for name in names)
    if not any(loaded) and not is_hashed:
        raise InputError(
            f"folder {folder} holds no certificate",
            hints=(f"files must end in {', '.join(_CERTIFICATE_SUFFIXES)} or have the names that c_rehash gives them",),
            file=folder,
        )
    context.load_verify_locations(capath=folder)
