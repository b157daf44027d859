"""TLS settings, profiles and names of suites, without any TLS."""

import subprocess
import sys
from pathlib import Path

import pytest

from dcmnet_cli.errors import UsageError
from dcmnet_cli.net.tls_settings import PROFILES, TLSSettings, find_profile, openssl_name, security_notes


@pytest.mark.parametrize(
    ("option", "name", "oldest"),
    [
        ("+pg", "8996", "1.2"),
        ("--profile-8996", "8996", "1.2"),
        ("+pm", "8996-mod", "1.2"),
        ("--profile-8996-mod", "8996-mod", "1.2"),
        ("+py", "bcp195-nd", "1.2"),
        ("+px", "bcp195", "1.0"),
        ("+pz", "bcp195-ex", "1.2"),
        ("TLS1.3", "tls1.3", "1.3"),
    ],
)
def test_profiles_by_name_and_by_option(option: str, name: str, oldest: str) -> None:
    profile = find_profile(option)
    assert (profile.name, profile.oldest) == (name, oldest)


@pytest.mark.parametrize("name", ["+pa", "+pb", "+pn", "--profile-aes", "--profile-basic", "--profile-null"])
def test_retired_profiles_are_refused_with_advice(name: str) -> None:
    with pytest.raises(UsageError, match="retired and not secure") as caught:
        find_profile(name)
    assert any("+pg" in hint for hint in caught.value.hints)
    assert any("+px" in hint for hint in caught.value.hints)


def test_the_default_is_the_profile_in_force() -> None:
    assert find_profile(TLSSettings().profile) is PROFILES[0]


@pytest.mark.parametrize(
    ("registered", "openssl"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"),
        ("TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", "DHE-RSA-CAMELLIA256-SHA"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ECDHE-ECDSA-AES128-CCM8"),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
        ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
        ("AES128-SHA", "AES128-SHA"),
    ],
)
def test_names_of_suites(registered: str, openssl: str) -> None:
    assert openssl_name(registered) == openssl


def test_nothing_to_note_by_default() -> None:
    assert security_notes(TLSSettings()) == ()


def test_ignoring_certificates_is_noted_loudly() -> None:
    (client,) = security_notes(TLSSettings(verify="ignore"))
    assert "NOT verified" in client
    (server,) = security_notes(TLSSettings(verify="ignore"), is_server=True)
    assert "clients are not authenticated" in server


def test_other_notes(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch(0o600)
    settings = TLSSettings(str(key), str(key), profile="+px", check_hostname=False)
    notes = security_notes(settings)
    assert len(notes) == 2
    assert "name" in notes[0]
    assert "TLS 1.0" in notes[1]
    key.chmod(0o644)
    assert str(key) in security_notes(settings)[2]
    assert security_notes(TLSSettings(key_file=str(tmp_path / "absent"))) == ()


def test_the_password_is_not_shown() -> None:
    settings = TLSSettings(key_password="s3cret", profile="+pm")
    for text in (repr(settings), str(settings), f"{settings}", f"{settings!r}"):
        assert "s3cret" not in text
        assert "+pm" in text
    assert "key_password=None" in repr(TLSSettings())


def test_settings_and_plain_transport_do_not_load_ssl() -> None:
    code = "import sys, dcmnet_cli.net.tls_settings, dcmnet_cli.net.transport; sys.exit('ssl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
