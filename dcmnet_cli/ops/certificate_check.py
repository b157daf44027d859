"""Certificate files checked without a connection, by the ``openssl`` program: Python checks in handshakes only."""

import subprocess
from typing import TYPE_CHECKING

from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import InputError, TLSError
from dcmnet_cli.ops.secret_variables import public_environment

if TYPE_CHECKING:
    from dcmnet_cli.net.tls_settings import TLSSettings


def check_certificate(path: str, settings: "TLSSettings") -> str:
    """Verify a certificate file against the authorities and lists of ``settings``; returns what to tell.

    Raises TLSError when it does not verify, InputError without the file or the ``openssl`` program.
    """
    words = [option for file in settings.ca_files for option in ("-CAfile", file)]
    words += [option for folder in settings.ca_dirs for option in ("-CApath", folder)]
    words += [option for file in settings.crl_files for option in ("-CRLfile", file)]
    if settings.crl_files or settings.crl_check != "none":
        words.append("-crl_check_all" if settings.crl_check == "chain" else "-crl_check")
    return _verify(path, words, f"{path} is verified", f"{path} does not verify", "unverified")


def check_self_signed(path: str) -> str:
    """Whether a certificate file is a self-signed root; returns what to tell, raises as ``check_certificate``."""
    words = ["-CAfile", path, "-no-CApath", "-no-CAstore"]
    return _verify(path, words, f"{path} is self-signed", f"{path} is not self-signed", "not_self_signed")


def _verify(path: str, words: list[str], good: str, bad: str, reason: str) -> str:
    try:
        with open(path, "rb"):
            pass
        done = subprocess.run(
            ["openssl", "verify", *words, path], capture_output=True, text=True, timeout=30, env=public_environment()
        )
    except FileNotFoundError as error:
        if error.filename == path:
            raise InputError(f"cannot read {path}: no such file") from error
        raise InputError("certificate files are checked with the openssl program, which is not installed") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if done.returncode == 0:
        return good
    lines = [line.removeprefix("error ") for line in done.stderr.splitlines() if line.startswith("error ")]
    raise TLSError(f"{bad}: {printable(lines[0] if lines else done.stderr.strip())}", reason)
