"""Certificates for tests, made when they are asked for."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def make_name(common_name: str, organization: str = "Example Hospital") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


class Authority:
    """A certificate authority with its files in ``folder``; each certificate gets a pair of files there."""

    def __init__(self, folder: Path, common_name: str = "Test Authority") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.name = make_name(common_name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(self.name, self.key, (), NOW - DAY, NOW + 365 * DAY, is_authority=True)
        self.file = str(folder / "authority.pem")
        Path(self.file).write_bytes(pem(self.certificate))

    def issue(
        self,
        label: str,
        *names: str,
        common_name: str = "",
        not_before: datetime.datetime = NOW - DAY,
        not_after: datetime.datetime = NOW + 30 * DAY,
        password: str = "",
        key: Key | None = None,
    ) -> "Issued":
        """Sign a certificate for these DNS names and IP addresses; the key file is encrypted with ``password``."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = make_name(common_name or (names[0] if names else label))
        certificate = self._sign(subject, key, names, not_before, not_after)
        return Issued(self.folder / label, key, certificate, password)

    def revoke(self, *issued: "Issued", is_der: bool = False) -> str:
        """Write a revocation list and return its file name."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
        for each in issued:
            revoked = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(revoked.revocation_date(NOW - DAY).build())
        encoding = serialization.Encoding.DER if is_der else serialization.Encoding.PEM
        path = self.folder / ("revoked.der" if is_der else "revoked.pem")
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(encoding))
        return str(path)

    def _sign(
        self,
        subject: x509.Name,
        key: Key,
        names: tuple[str, ...],
        not_before: datetime.datetime,
        not_after: datetime.datetime,
        *,
        is_authority: bool = False,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), False)
        return builder.sign(self.key, hashes.SHA256())


class Issued:
    """A certificate and its key: ``certificate_file`` and ``key_file`` are PEM, ``der()`` writes both as DER."""

    def __init__(self, path: Path, key: Key, certificate: x509.Certificate, password: str = "") -> None:
        self.key = key
        self.certificate = certificate
        self.key_file = str(path.with_suffix(".key"))
        self.certificate_file = str(path.with_suffix(".pem"))
        Path(self.certificate_file).write_bytes(pem(certificate))
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password.encode())
        self.write_key(Path(self.key_file), encryption=encryption)

    def write_key(
        self,
        path: Path,
        encoding: serialization.Encoding = serialization.Encoding.PEM,
        form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
        encryption: serialization.KeySerializationEncryption | None = None,
    ) -> str:
        """Write the private key in a form of choice, readable by its owner only, and return the file name."""
        path.touch(0o600)
        path.write_bytes(self.key.private_bytes(encoding, form, encryption or serialization.NoEncryption()))
        return str(path)


def self_signed(folder: Path, *names: str) -> Issued:
    """Return a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = make_name(names[0])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), False)
    return Issued(folder / "self-signed", key, builder.sign(key, hashes.SHA256()))


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
