from pathlib import Path

import pytest

from dcmnet_cli.cli.config import Configuration, Defaults, default_path, find_line, load_configuration
from dcmnet_cli.cli.options import AssociationOptions, LocalOptions, TimeoutOptions, WaitOptions
from dcmnet_cli.cli.peer import only_peer
from dcmnet_cli.cli.settings import resolve_settings
from dcmnet_cli.cli.tls_options import TLSOptions, ask_key_password
from dcmnet_cli.errors import ConfigurationError, InputError, UsageError
from dcmnet_cli.net.tls_settings import TLSSettings
from dcmnet_cli.ops.target import Target, Timeouts

FULL = """\
[defaults]
aet = "RESEARCH1"
max_pdu = 65536
charset = "ISO_IR 192"
timeouts = { acse = 11, dimse = 12 }

[defaults.echo]
aet = "PINGER"
timeouts.dimse = 13.5

[nodes.archive1]
aet = "ARCHIVE1"
host = "pacs.example.org"
port = 11112
calling = "CTROOM2"
charset = "ISO_IR 100"
quirks = ["no-release"]
max_pdu = 0

[nodes.archive1.timeouts]
connect = 1
dimse = 0

[nodes.archive1.tls]
key = "keys/own.key"
certificate = "/etc/own.crt"
password_env = "OWN_KEY_PASSWORD"
ca = ["ca1.pem", "ca2.pem"]
verify = false
profile = "8996-mod"
server_name = "archive"

[nodes.plain]
host = "10.0.0.2"
port = 104
tls = false

[nodes.simple]
host = "10.0.0.3"
port = 2762
tls = true
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_file(text: str | bytes) -> str:
        path = tmp_path / "dcmnet.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write_file


def settle(
    configuration: Configuration, *words: str, command: str = "echo", environ: dict[str, str] | None = None, **options
) -> Target:
    return resolve_settings(
        command,
        only_peer(words, configuration),
        configuration,
        options.get("association", AssociationOptions()),
        options.get("timeouts", TimeoutOptions()),
        options.get("tls", TLSOptions()),
        environ=environ or {},
    )


class TestWhere:
    def test_the_option_beats_the_variable(self, write, tmp_path) -> None:
        assert load_configuration(write("[nodes]"), {"DCMNET_CONFIG": "/nowhere"}).path == str(tmp_path / "dcmnet.toml")

    def test_the_variable_beats_the_platform(self, write) -> None:
        path = write("[nodes]")
        assert load_configuration(None, {"DCMNET_CONFIG": path, "XDG_CONFIG_HOME": "/nowhere"}).path == path

    def test_the_platform_has_its_place(self, tmp_path) -> None:
        (tmp_path / "dcmnet").mkdir()
        (tmp_path / "dcmnet" / "config.toml").write_text('[defaults]\naet = "HERE"\n')
        read = load_configuration(None, {"XDG_CONFIG_HOME": str(tmp_path)})
        assert (read.found, read.general.aet) == (True, "HERE")

    def test_no_file_there_is_no_error(self, tmp_path) -> None:
        read = load_configuration(None, {"XDG_CONFIG_HOME": str(tmp_path)})
        assert read == Configuration(str(tmp_path / "dcmnet" / "config.toml"))
        assert read.place == f"{tmp_path}/dcmnet/config.toml, which does not exist"

    @pytest.mark.parametrize(
        ("option", "environ", "message"),
        [
            ("/nowhere.toml", {}, "--config names /nowhere.toml, which does not exist"),
            (None, {"DCMNET_CONFIG": "/nowhere.toml"}, "DCMNET_CONFIG names /nowhere.toml, which does not exist"),
        ],
    )
    def test_a_named_file_has_to_be_there(self, option: str | None, environ: dict[str, str], message: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            load_configuration(option, environ)
        assert caught.value.message == message
        assert caught.value.details["file"] == "/nowhere.toml"

    def test_a_file_that_cannot_be_read(self, tmp_path) -> None:
        with pytest.raises(ConfigurationError, match=f"cannot read {tmp_path}: Is a directory"):
            load_configuration(str(tmp_path), {})

    @pytest.mark.parametrize(
        ("platform", "environ", "path"),
        [
            ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/dcmnet/config.toml"),
            ("linux", {}, "/home/anna/.config/dcmnet/config.toml"),
            ("linux", {"XDG_CONFIG_HOME": "relative"}, "/home/anna/.config/dcmnet/config.toml"),
            ("darwin", {}, "/home/anna/Library/Application Support/dcmnet/config.toml"),
            ("win32", {"APPDATA": "/roaming"}, "/roaming/dcmnet/config.toml"),
        ],
    )
    def test_each_platform(self, platform: str, environ: dict[str, str], path: str, monkeypatch) -> None:
        monkeypatch.setenv("HOME", "/home/anna")
        assert default_path(environ, platform) == path

    def test_macos_takes_the_xdg_file_if_there_is_one(self, tmp_path) -> None:
        (tmp_path / "dcmnet").mkdir()
        (tmp_path / "dcmnet" / "config.toml").touch()
        assert default_path({"XDG_CONFIG_HOME": str(tmp_path)}, "darwin") == f"{tmp_path}/dcmnet/config.toml"


class TestReading:
    def test_a_node_with_everything(self, write, tmp_path, monkeypatch) -> None:
        node = load_configuration(write(FULL), {}).nodes["archive1"]
        assert node._replace(tls=None)[:] == (
            "pacs.example.org",
            11112,
            "ARCHIVE1",
            "CTROOM2",
            None,
            0,
            {"connect": 1.0, "dimse": 0.0},
            "ISO_IR 100",
            ("no-release",),
        )
        assert node.tls is not None
        assert node.tls._replace(key_password=None) == TLSSettings(
            key_file=str(tmp_path / "keys/own.key"),
            certificate_file="/etc/own.crt",
            ca_files=(str(tmp_path / "ca1.pem"), str(tmp_path / "ca2.pem")),
            verify="ignore",
            server_name="archive",
            profile="8996-mod",
        )
        assert callable(node.tls.key_password)
        with pytest.raises(UsageError, match="the environment has no variable OWN_KEY_PASSWORD"):
            node.tls.key_password()
        monkeypatch.setenv("OWN_KEY_PASSWORD", "secret")
        assert node.tls.key_password() == "secret"

    def test_tls_may_be_just_true_or_false(self, write) -> None:
        nodes = load_configuration(write(FULL), {}).nodes
        assert nodes["plain"].tls is None
        assert nodes["simple"].tls == TLSSettings()

    def test_a_password_file_beside_the_configuration(self, write, tmp_path) -> None:
        (tmp_path / "pw").write_text("secret\n")
        path = write(
            '[nodes.a]\nhost = "h"\nport = 1\n'
            'tls = { key = "k", certificate = "c", password_file = "pw", ca = "one.pem" }\n'
        )
        tls = load_configuration(path, {}).nodes["a"].tls
        assert tls is not None
        assert tls.ca_files == (str(tmp_path / "one.pem"),)
        assert callable(tls.key_password)
        assert tls.key_password() == "secret"
        (tmp_path / "pw").unlink()
        with pytest.raises(InputError, match="password_file: cannot read"):
            tls.key_password()

    def test_the_command_s_own_table_is_over_the_general_one(self, write) -> None:
        read = load_configuration(write(FULL), {})
        assert read.defaults("find") == Defaults("RESEARCH1", 65536, {"acse": 11.0, "dimse": 12.0}, "ISO_IR 192")
        assert read.defaults("echo") == Defaults("PINGER", 65536, {"acse": 11.0, "dimse": 13.5}, "ISO_IR 192")


@pytest.mark.parametrize(
    ("text", "line", "key", "problem"),
    [
        ("[nodes.a]\nhost = \n", 2, None, "invalid value"),
        ("[nodes.a\n", 1, None, "expected ']' at the end of a table declaration"),
        ('x = "unfinished', 1, None, "unterminated string"),
        ("# ok\n\xff".encode("latin-1"), 2, None, "not UTF-8 text, which TOML has to be"),
        ('title = "x"\n', 1, "title", "unknown key; known here are nodes, defaults"),
        ('[nodes.a]\nhosst = "h"\nport = 1\n', 2, "nodes.a.hosst", "unknown key; did you mean host?"),
        ('[nodes.a]\nhost = "h"\n', 1, "nodes.a", "has no port"),
        ("[nodes.a]\nport = 104\n", 1, "nodes.a", "has no host"),
        ('[nodes.a]\nhost = "h"\nport = 0\n', 3, "nodes.a.port", "expected a number from 1 to 65535, found 0"),
        ('[nodes.a]\nhost = "h"\nport = "1"\n', 3, "nodes.a.port", "expected a number from 1 to 65535, found '1'"),
        ('[nodes.a]\nhost = "h"\nport = true\n', 3, "nodes.a.port", "expected a number from 1 to 65535, found True"),
        ("[nodes]\na = 1\n", 2, "nodes.a", "expected a table, found 1"),
        ("nodes = 1\n", 1, "nodes", "expected a table, found 1"),
        ('[nodes."a b"]\nhost = 1\n', 2, "nodes.a b.host", "expected some text, found 1"),
        ('[nodes.a]\naet = "SEVENTEEN_LETTERS"\n', 2, "nodes.a.aet", 'AE title "SEVENTEEN_LETTERS" has 17 characters'),
        ("[nodes.a]\naet = 1\n", 2, "nodes.a.aet", 'expected an AE title such as "ARCHIVE1", found 1'),
        ("[nodes.a]\nquirks = [1]\n", 2, "nodes.a.quirks", "expected a list of texts, found [1]"),
        ("[nodes.a]\ntls = 1\n", 2, "nodes.a.tls", "expected true, false or a table, found 1"),
        ('[nodes.a.tls]\nkey = "k"\n', 1, "nodes.a.tls", "needs both key and certificate, or neither"),
        ('[nodes.a]\ntls = { verify = "no" }\n', 2, "nodes.a.tls.verify", "expected true or false, found 'no'"),
        ('[nodes.a]\ntls = { cert = "k" }\n', 2, "nodes.a.tls.cert", "unknown key; did you mean certificate?"),
        ('[nodes.a.tls]\nprofile = "x"\n', 2, "nodes.a.tls.profile", 'TLS profile "x" is none of 8996'),
        ("[nodes.a.timeouts]\ndimse = -1\n", 2, "nodes.a.timeouts.dimse", "-1 seconds is not a waiting time"),
        ("[nodes.a.timeouts]\nacse = 0\n", 2, "nodes.a.timeouts.acse", "0 seconds is not a waiting time"),
        ("[nodes.a.timeouts]\nacse = nan\n", 2, "nodes.a.timeouts.acse", "nan seconds is not a waiting time"),
        ("[nodes.a]\ntimeouts = 1\n", 2, "nodes.a.timeouts", "expected a table, found 1"),
        ("[nodes.a.timeouts]\nidle = 1\n", 2, "nodes.a.timeouts.idle", "unknown key; known here are connect, acse"),
        ('[defaults]\ntimeouts.acse = "1"\n', 2, "defaults.timeouts.acse", "expected a number of seconds, found '1'"),
        ("[defaults]\nmax_pdu = 100\n", 2, "defaults.max_pdu", "100 is no PDU length"),
        ("[defaults]\nmax_pdu = 1.5\n", 2, "defaults.max_pdu", "expected a number of bytes, found 1.5"),
        ("[defaults.ehco]\n", 1, "defaults.ehco", "unknown key; did you mean echo?"),
        ("[defaults.echo]\nhost = 1\n", 2, "defaults.echo.host", "unknown key; known here are aet, "),
    ],
)
def test_every_problem_names_file_line_and_key(
    write, text: str | bytes, line: int, key: str | None, problem: str
) -> None:
    path = write(text)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path, {})
    error = caught.value
    assert error.message.startswith(f"{path}:{line}: {key + ': ' if key else ''}{problem}")
    assert "\n" not in error.message
    assert error.details == {"file": path, "line": line, "key": key}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("a", "b"), 3),
        (("a", "c", "d"), 4),
        (("a", "c", "missing"), 2),
        (("x", "y"), 6),
        (("z",), None),
    ],
)
def test_lines_are_found_through_tables_dots_and_quotes(path: tuple[str, ...], line: int | None) -> None:
    text = "# a = 1\n  [a]  # table\n\"b\" = 1\nc . d = 2\n[ x ]\n'y'=3\n"
    assert find_line(text, path) == line


class TestMerging:
    def test_built_in(self) -> None:
        assert settle(Configuration("none"), "host", "104") == Target(
            "host", 104, "ANY-SCP", "DCMNET", "auto", 131072, Timeouts(10, 30, 60, 10, 60), None, None, None, ()
        )

    def test_a_node_over_the_defaults(self, write) -> None:
        settings = settle(load_configuration(write(FULL), {}), "archive1")
        assert settings._replace(tls=None) == Target(
            host="pacs.example.org",
            port=11112,
            called="ARCHIVE1",
            calling="CTROOM2",
            family="auto",
            max_pdu=0,
            timeouts=Timeouts(connect=1, acse=11, dimse=None, release=10, write=60),
            tls=None,
            identity=None,
            charset="ISO_IR 100",
            quirks=("no-release",),
        )
        assert settings.tls is not None
        assert settings.tls.profile == "8996-mod"

    def test_the_defaults_of_the_command_over_the_general_ones(self, write) -> None:
        read = load_configuration(write(FULL), {})
        echo = settle(read, "host", "104")
        find = settle(read, "host", "104", command="find")
        assert (echo.calling, echo.timeouts.dimse, echo.max_pdu) == ("PINGER", 13.5, 65536)
        assert (find.calling, find.timeouts.dimse, find.charset) == ("RESEARCH1", 12, "ISO_IR 192")

    def test_the_environment_over_the_file(self, write) -> None:
        read = load_configuration(write(FULL), {})
        environ = {"DCMNET_AET": "ENV", "DCMNET_CALL": "CALLED"}
        settings = settle(read, "archive1", environ=environ)
        assert (settings.calling, settings.called) == ("ENV", "ARCHIVE1")  # a node's title is part of its name
        assert settle(read, "plain", environ=environ).called == "CALLED"
        assert settle(read, "host", "104", environ=environ).called == "CALLED"

    def test_the_command_line_over_everything(self, write) -> None:
        settings = settle(
            load_configuration(write(FULL), {}),
            "archive1",
            environ={"DCMNET_AET": "ENV", "DCMNET_CALL": "CALLED"},
            association=AssociationOptions("TYPED", LocalOptions("ME", 16384, ipv6=True)),
            timeouts=TimeoutOptions(3, WaitOptions(dimse_timeout=4)),
            tls=TLSOptions(server_name="typed"),
        )
        assert settings[2:6] == ("TYPED", "ME", "6", 16384)
        assert settings.timeouts == Timeouts(connect=3, acse=11, dimse=4, release=10, write=60)
        assert settings.tls is not None
        assert (settings.tls.server_name, settings.tls.verify) == ("typed", "ignore")

    def test_a_title_with_the_peer_over_the_node_s(self, write) -> None:
        assert settle(load_configuration(write(FULL), {}), "OTHER@archive1").called == "OTHER"

    def test_the_same_title_twice_is_no_contradiction(self) -> None:
        association = AssociationOptions("PACS")
        assert settle(Configuration("none"), "PACS@host:104", association=association).called == "PACS"

    @pytest.mark.parametrize("variable", ["DCMNET_AET", "DCMNET_CALL"])
    def test_a_bad_title_in_the_environment_names_the_variable(self, variable: str) -> None:
        with pytest.raises(UsageError, match=f'{variable}: AE title "SEVENTEEN_LETTERS" has 17 characters'):
            settle(Configuration("none"), "host:104", environ={variable: "SEVENTEEN_LETTERS"})

    def test_a_new_key_on_the_command_line_does_not_get_the_old_key_s_password(self, write) -> None:
        from dcmnet_cli.cli.tls_options import TLSCommonOptions

        tls = TLSOptions(common=TLSCommonOptions(enable_tls=("new.key", "new.crt")))
        settings = settle(load_configuration(write(FULL), {}), "archive1", tls=tls)
        assert settings.tls is not None
        assert (settings.tls.key_file, settings.tls.key_password) == ("new.key", ask_key_password)


def test_the_whole_way_through_a_command(shell, write, monkeypatch) -> None:
    monkeypatch.setenv("DCMNET_CONFIG", write(FULL))
    status, stdout, stderr = shell("echo", "plain")
    assert (status, stderr) == (0, "")
    assert "host='10.0.0.2'\nport=104\ncalled='ANY-SCP'\ncalling='PINGER'\n" in stdout
    path = write("[nodes.a]\nhost = 1\n")
    assert shell("echo", "a") == (2, "", f"dcmnet echo: {path}:2: nodes.a.host: expected some text, found 1\n")
