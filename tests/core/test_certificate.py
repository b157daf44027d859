"""The facts of a certificate, against those that it was made with."""

import datetime
import random
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dcmnet_cli.core.certificate import read_certificate
from tests.certificates import Authority, der, self_signed


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "Radiology CA")


def test_names_dates_and_issuer(authority: Authority) -> None:
    issued = authority.issue(
        "server",
        "pacs.example.org",
        "10.20.4.17",
        "2001:db8::17",
        not_before=datetime.datetime(2024, 2, 29, 23, 5, 9, tzinfo=datetime.UTC),
        not_after=datetime.datetime(2051, 12, 31, 0, 0, 0, tzinfo=datetime.UTC),
    )
    facts = read_certificate(der(issued.certificate))
    assert facts.subject == "CN=pacs.example.org, O=Example Hospital"
    assert facts.issuer == "CN=Radiology CA, O=Example Hospital"
    # Years from 2050 on are written in another type (RFC 5280 4.1.2.5).
    assert (facts.not_before, facts.not_after) == ("2024-02-29T23:05:09Z", "2051-12-31T00:00:00Z")
    assert facts.names == ("pacs.example.org", "10.20.4.17", "2001:db8::17")
    assert not facts.is_self_issued


def test_a_certificate_without_alternative_names(authority: Authority) -> None:
    assert read_certificate(der(authority.issue("plain").certificate)).names == ()


def test_self_signed(tmp_path: Path) -> None:
    facts = read_certificate(der(self_signed(tmp_path, "modality").certificate))
    assert facts.is_self_issued
    assert facts.subject == facts.issuer


def test_names_cannot_drive_a_terminal() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "evil\x1b[2J\u202e"),
            x509.NameAttribute(NameOID.LOCALITY_NAME, "Zürich"),
            x509.NameAttribute(NameOID.PSEUDONYM, "x"),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
    facts = read_certificate(der(builder.sign(key, hashes.SHA256())))
    assert facts.subject == "other=x, L=Zürich, CN=evil\\x1b[2J\\u202e"


def test_every_truncation_is_a_value_error(authority: Authority) -> None:
    whole = der(authority.issue("cut", "cut.example.org").certificate)
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="certificate"):
            read_certificate(whole[:length])


def test_damaged_bytes_raise_nothing_else(authority: Authority) -> None:
    whole = der(authority.issue("damaged", "damaged.example.org").certificate)
    chance = random.Random(20)
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            facts = read_certificate(bytes(damaged))
        except ValueError:
            continue
        assert facts.subject.isprintable()
        assert facts.issuer.isprintable()
