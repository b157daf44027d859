"""TLS on the command line: DCMTK's options, turned into ``net.tls_settings.TLSSettings``.

Nothing here imports ``ssl``: a command that does not use TLS must not pay for it.
"""

from typing import Annotated, Any, NamedTuple

import typer

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.identity import ask, find_secret
from dcmnet_cli.cli.options import flag, value
from dcmnet_cli.errors import UsageError
from dcmnet_cli.net.tls_settings import PROFILES, TLSSettings, find_profile

TLS = "TLS"


def _list_profiles(wanted: bool) -> None:
    if wanted:
        for profile in PROFILES:
            print(profile.name, profile.option, profile.title, sep="\t")
        raise typer.Exit


def _list_ciphers(wanted: bool) -> None:
    if wanted:
        from dcmnet_cli.net.tls_context import usable_ciphers

        for profile in PROFILES:
            for cipher in usable_ciphers(profile.name):
                print(profile.name, cipher, sep="\t")
        raise typer.Exit


class TLSCommonOptions(NamedTuple):
    """What requestor and acceptor share: own key and certificate, trust, profile."""

    enable_tls: Annotated[
        tuple[str, str] | None,
        value("+tls", "--enable-tls", metavar="KEY CERT", panel=TLS, text="TLS with our own key and certificate"),
    ] = None
    disable_tls: Annotated[bool, flag("-tls", "--disable-tls", panel=TLS, text="no TLS, even if the node says so")] = (
        False
    )
    std_passwd: Annotated[bool, flag("+ps", "--std-passwd", panel=TLS, hidden=True)] = False
    use_passwd: Annotated[
        str | None,
        value(
            "+pw",
            "--use-passwd",
            metavar="PASS",
            panel=TLS,
            text="password of the key, for every user of this computer to see: better one of the next two",
        ),
    ] = None
    key_password_file: Annotated[
        str | None, value("--key-password-file", metavar="FILE", panel=TLS, text="it is a file's first line")
    ] = None
    key_password_env: Annotated[
        str | None,
        value("--key-password-env", metavar="VAR", panel=TLS, text="it is in the environment; hooks do not see it"),
    ] = None
    null_passwd: Annotated[
        bool, flag("-pw", "--null-passwd", panel=TLS, text="the key has an empty password", hidden=True)
    ] = False
    # The contents of a file tell its format.
    pem_keys: Annotated[bool, flag("-pem", "--pem-keys", panel=TLS, hidden=True)] = False
    der_keys: Annotated[bool, flag("-der", "--der-keys", panel=TLS, hidden=True)] = False
    ca_files: Annotated[
        list[str] | None,
        value(
            "+cf", "--add-cert-file", metavar="FILE", panel=TLS, text="trust this authority and no others; repeatable"
        ),
    ] = None
    ca_dirs: Annotated[
        list[str] | None,
        value("+cd", "--add-cert-dir", metavar="FOLDER", panel=TLS, text="trust the authorities in a folder"),
    ] = None
    crl_files: Annotated[
        list[str] | None, value("+crl", "--add-crl-file", metavar="FILE", panel=TLS, text="certificate revocation list")
    ] = None
    crl_leaf: Annotated[
        bool, flag("+crv", "--enable-crl-vfy", panel=TLS, text="look up the peer's certificate in it")
    ] = False
    crl_chain: Annotated[bool, flag("+cra", "--enable-crl-all", panel=TLS, text="look up the whole chain")] = False
    tls_profile: Annotated[
        str | None,
        value(
            "--tls-profile",
            metavar="NAME",
            panel=TLS,
            text="security profile; default 8996; +ph lists them, DCMTK's +pg +pm +py +px +pz do as well",
            choices=lambda: [profile.name for profile in PROFILES],
        ),
    ] = None
    profile_8996: Annotated[
        bool, flag("+pg", "--profile-8996", panel=TLS, text="as --tls-profile 8996", hidden=True)
    ] = False
    profile_8996_mod: Annotated[
        bool, flag("+pm", "--profile-8996-mod", panel=TLS, text="as --tls-profile 8996-mod", hidden=True)
    ] = False
    profile_bcp195_nd: Annotated[
        bool, flag("+py", "--profile-bcp195-nd", panel=TLS, text="as --tls-profile bcp195-nd", hidden=True)
    ] = False
    profile_bcp195: Annotated[
        bool, flag("+px", "--profile-bcp195", panel=TLS, text="as --tls-profile bcp195", hidden=True)
    ] = False
    profile_bcp195_ex: Annotated[
        bool, flag("+pz", "--profile-bcp195-ex", panel=TLS, text="as --tls-profile bcp195-ex", hidden=True)
    ] = False
    ciphers: Annotated[
        list[str] | None,
        value("+cs", "--cipher", metavar="SUITE", panel=TLS, text="allow this cipher suite as well; repeatable"),
    ] = None
    require_peer_cert: Annotated[bool, flag("-rc", "--require-peer-cert", panel=TLS, hidden=True)] = False
    ignore_peer_cert: Annotated[
        bool, flag("-ic", "--ignore-peer-cert", panel=TLS, text="do not verify certificates: to find faults, no more")
    ] = False
    list_profiles: Annotated[
        bool,
        typer.Option(
            "+ph",
            "--list-profiles",
            callback=_list_profiles,
            is_eager=True,
            metavar="",
            rich_help_panel=TLS,
            help="list the profiles and exit",
        ),
    ] = False
    list_ciphers: Annotated[
        bool,
        typer.Option(
            "+cc",
            "--list-ciphers",
            callback=_list_ciphers,
            is_eager=True,
            metavar="",
            rich_help_panel=TLS,
            help="list the cipher suites of every profile and exit",
        ),
    ] = False

    def _profile_flags(self) -> dict[str, bool]:
        return {
            "+pg": self.profile_8996,
            "+pm": self.profile_8996_mod,
            "+py": self.profile_bcp195_nd,
            "+px": self.profile_bcp195,
            "+pz": self.profile_bcp195_ex,
        }

    def profile(self) -> str | None:
        """The profile that was asked for, by name. Raises UsageError when there is none such."""
        given = exclude(("--tls-profile", self.tls_profile), *self._profile_flags().items())
        return find_profile(self.tls_profile or given).name if given else None

    def first_detail(self) -> str:
        """The first option given that means something only with TLS, or ""."""
        details = {
            "+pw": self.use_passwd,
            "--key-password-file": self.key_password_file,
            "--key-password-env": self.key_password_env,
            "+cf": self.ca_files,
            "+cd": self.ca_dirs,
            "+crl": self.crl_files,
            "+crv": self.crl_leaf,
            "+cra": self.crl_chain,
            "--tls-profile": self.tls_profile,
            **self._profile_flags(),
            "+cs": self.ciphers,
            "-ic": self.ignore_peer_cert,
        }
        return next((name for name, given in details.items() if given), "")

    def over(self, base: TLSSettings) -> TLSSettings:
        """``base`` with everything that was typed in place of what it says. Raises UsageError and InputError."""
        exclude(("-rc", self.require_peer_cert), ("-ic", self.ignore_peer_cert))
        exclude(("-pem", self.pem_keys), ("-der", self.der_keys))
        typed: dict[str, Any] = {
            "ca_files": tuple(self.ca_files or ()),
            "ca_dirs": tuple(self.ca_dirs or ()),
            "crl_files": tuple(self.crl_files or ()),
            "crl_check": "chain" if self.crl_chain else "leaf" if self.crl_leaf else "",
            "verify": "ignore" if self.ignore_peer_cert else "require" if self.require_peer_cert else "",
            "profile": self.profile(),
            "ciphers": tuple(self.ciphers or ()),
        }
        if self.enable_tls is not None:
            typed["key_file"], typed["certificate_file"] = self.enable_tls
            typed["key_password"] = ask_key_password  # the node's password, if any, is of another key
        settings = base._replace(**{name: given for name, given in typed.items() if given})
        password = self._password()
        return settings if password is None else settings._replace(key_password=password)

    def _password(self) -> str | None:
        exclude(("+ps", self.std_passwd), ("-pw", self.null_passwd), ("+pw", self.use_passwd))
        return find_secret(
            ("+pw", self.use_passwd),
            ("--key-password-file", self.key_password_file),
            ("--key-password-env", self.key_password_env),
            ("-pw", self.null_passwd),
        )


def ask_key_password() -> str:
    """Ask at the terminal, when and only when a key turns out to be encrypted. Raises UsageError without one."""
    return ask("the private key is encrypted", "Password of the private key: ")


class TLSOptions(NamedTuple):
    """The requestor's TLS."""

    anonymous_tls: Annotated[
        bool, flag("+tla", "--anonymous-tls", panel=TLS, text="TLS without a certificate of our own")
    ] = False
    common: TLSCommonOptions = TLSCommonOptions()
    server_name: Annotated[
        str | None,
        value(
            "--server-name",
            "--request-sni",
            metavar="NAME",
            panel=TLS,
            text="the name to ask for, and to find in the certificate; default the host",
        ),
    ] = None
    no_hostname_check: Annotated[
        bool, flag("--no-hostname-check", panel=TLS, text="take any name in the certificate, as DCMTK does")
    ] = False

    def settings(self, base: TLSSettings | None) -> TLSSettings | None:
        """TLS for a connection, or None for plain TCP; ``base`` is what the node says.

        Raises UsageError for what does not fit together and InputError for a password file that cannot be read.
        """
        common = self.common
        switch = exclude(("+tls", common.enable_tls), ("+tla", self.anonymous_tls), ("-tls", common.disable_tls))
        if switch == "-tls":
            base = None
        elif switch:
            base = base or TLSSettings()
        if base is None:
            detail = common.first_detail() or ("--server-name" if self.server_name else "")
            if detail:
                raise UsageError(f"{detail} means nothing without TLS; add +tla, or +tls KEY CERT")
            return None
        settings = common.over(base)
        if switch == "+tla":
            settings = settings._replace(key_file=None, certificate_file=None, key_password=None)
        if self.server_name:
            settings = settings._replace(server_name=self.server_name)
        return settings._replace(check_hostname=False) if self.no_hostname_check else settings


class TLSAcceptorOptions(NamedTuple):
    """The acceptor's TLS."""

    common: TLSCommonOptions = TLSCommonOptions()
    verify_peer_cert: Annotated[
        bool, flag("-vc", "--verify-peer-cert", panel=TLS, text="verify a client's certificate if it sends one")
    ] = False
    expect_sni: Annotated[
        str | None,
        value("--expect-sni", metavar="NAME", panel=TLS, text="refuse clients that ask for another name"),
    ] = None

    def settings(self) -> TLSSettings | None:
        """TLS for the listener, or None for plain TCP. Raises as ``TLSOptions.settings`` does."""
        common = self.common
        switch = exclude(("+tls", common.enable_tls), ("-tls", common.disable_tls))
        exclude(("-vc", self.verify_peer_cert), ("-ic", common.ignore_peer_cert), ("-rc", common.require_peer_cert))
        if switch != "+tls":
            detail = common.first_detail() or (
                "-vc" if self.verify_peer_cert else "--expect-sni" if self.expect_sni else ""
            )
            if detail:
                raise UsageError(f"{detail} means nothing without TLS; add +tls KEY CERT")
            return None
        settings = common.over(TLSSettings(server_name=self.expect_sni))
        return settings._replace(verify="verify-if-present") if self.verify_peer_cert else settings


class TLSCheckOptions(NamedTuple):
    """Looking at certificate files without any connection: ``echo`` only, as in DCMTK."""

    verify_cert: Annotated[
        str | None,
        value("+vc", "--verify-cert", metavar="FILE", panel=TLS, text="verify this certificate file and exit"),
    ] = None
    is_root_cert: Annotated[
        str | None,
        value("+rc", "--is-root-cert", metavar="FILE", panel=TLS, text="say whether this file is self-signed and exit"),
    ] = None
