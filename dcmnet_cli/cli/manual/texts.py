"""What the man pages say beyond the tree. Words between backquotes are set in bold.

Examples stand with their commands, which show them in ``--help`` as well; where a command parts from DCMTK's is in
``dcmtk_differences``. A command without a page here gets one all the same, with what its options say.
"""

from typing import NamedTuple


class Page(NamedTuple):
    """``description`` in paragraphs. ``files``, ``environment`` and ``terms`` are (name, meaning) pairs; terms stand
    below the description. ``see_also`` are names of pages.
    """

    description: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    see_also: tuple[str, ...] = ()


DATE = "2026-11-22"
"""When the texts were last gone through."""

_ACCOUNT = (
    "Three accounts are compared by SOP Instance UID: what the peer has (C-FIND), what it says it sent, and what lies"
    " on disk. A difference is listed, and the exit status is not 0 then."
)
_KEYS = (
    "What is asked for is said with everyday names such as `--study` and `--date`, with `-k` as in DCMTK, or with query"
    " files. The level follows from the keys where `--level` does not say it, and the Study Root model is used unless"
    " `-P` or `-O` asks for another one."
)
_WHOLE = (
    "An object is acknowledged when it is complete under its final name, never before; no partial file is ever seen"
    " under such a name."
)

PAGES = {
    "demo": Page(
        (
            "An archive is started on the loopback interface, in a temporary folder. It is asked whether it is there,"
            " asked by a title that it does not know, and gets real objects, which are then found, fetched and moved"
            " back. Each command runs as a process of its own, and stands above what it printed; at the end the data"
            " sets that came back are compared with those that were sent.",
            "The exit status is 0 where each command did what it should, and 1 where one did not. Nothing is left"
            " behind, no process, port or file, however the demonstration ends, unless it is killed outright: then the"
            " archive ends by itself after a minute, and the folder stays. The objects are the examples that"
            " pydicom brings along.",
        ),
    ),
    "echo": Page(
        (
            "Every step is told with its time: name resolution, TCP, TLS, association, C-ECHO, release. Where one"
            " fails, the layer, what was sent, what came back in numbers and in words, and what to try are told as"
            " well.",
            "`--accepts` proposes a SOP class, in a transfer syntax or in the uncompressed ones, and uses nothing of"
            " it: a test of what the peer is set up for. It is written as a UID or as a keyword of PS3.6.",
            "`--wait` retries until the peer is up, for scripts that have just started it. `--repeat` measures round"
            " trips on one association. `-v` adds what was negotiated, `-d` every PDU decoded.",
        ),
    ),
    "store": Page(
        (
            "Folders are looked through with their sub-folders; DICOMDIRs, zip and tar archives stand for the files in"
            " them, and files that are not DICOM are counted and skipped. The plan is shown first, an outcome for every"
            " instance at the end: stored, stored with a warning, failed, or not sent, each with its cause.",
            "Files go out as they lie. What the peer does not take is converted where that loses nothing; `--transcode`"
            " says otherwise. A failed instance does not stop the others unless `--halt` is given, and where the"
            " association is lost a new one goes on with what is not confirmed (`--retry`).",
            "With `--journal` each outcome is noted, and a second run with the same file sends only what the peer has"
            " not confirmed yet.",
        ),
        files=(("JOURNAL", "of `--journal`: a line of JSON an instance, appended to and never rewritten."),),
    ),
    "find": Page(
        (
            _KEYS,
            "On a terminal the answers are a table, in a pipe a line each, parted by tabs. `--json` and `--ndjson` give"
            " them in the DICOM JSON model, `--csv` as a table for a spreadsheet, `-X` and `-Xx` as files.",
            "When nothing matches, `--relax` asks once more without each of the keys and tells which of them was in the"
            " way.",
        ),
        terms=(
            ("today, yesterday, -7d", "dates: days before today; `-2w`, `-3m` and `-1y` for weeks, months and years"),
            ("2025-01-14, 2025-01, 2025", "a day, a month, a year"),
            ("2025-01..2025-03", "a range; `20250101-20250331` as in DICOM is one as well"),
        ),
    ),
    "move": Page(
        (
            "The peer opens a new association to the destination and sends what was asked for. It must know the"
            " destination's AE title with its host and port: it is a title, not a folder or an address.",
            "`--here` listens while it lasts, under our own title and on the port of `+P`, and stores what comes;"
            " `-aem` alone has it sent to somebody else. " + _WHOLE,
            _ACCOUNT + " `--missing` asks for what is not in the folder yet.",
            _KEYS,
        ),
    ),
    "get": Page(
        (
            "The objects come back over the association that asks, so that no port has to be open here and the peer"
            " need not know our address. They are stored in the folder of `-od`, by default the current one. " + _WHOLE,
            _ACCOUNT + " `--missing` asks for what is not in the folder yet.",
            _KEYS,
        ),
    ),
    "listen": Page(
        (
            "Alone it answers C-ECHO. `-od` stores what is sent, `--ignore` takes and drops it, `--archive` stores it"
            " in a folder with an index and answers C-FIND, C-MOVE and C-GET from that, `--worklist` answers queries of"
            " the modality worklist from files. Every SOP class and every transfer syntax is taken unless `--only` and"
            " `+xi` restrict them.",
            _WHOLE + " `--sync` says when it is safe from a power cut, too. An object under a name that exists is not"
            " written again if it is the same, and gets a name of its own if it is not; `--on-duplicate` says"
            " otherwise.",
            "Hooks are run as programs with arguments, never by a shell. `-xcr` and `-xcs` fill in `#p` (folder), `#f`"
            " (file), `#a` (calling title), `#c` (called title) and `#r` (address); `--on-object` and `--on-study` hand"
            " the same and more to the program's standard input as JSON.",
            "The first SIGINT or SIGTERM ends it in good order: open associations have `--grace` seconds, and objects"
            " that are complete are kept.",
        ),
        terms=(
            (
                "--name TEMPLATE",
                "keywords of attributes in braces, and SOPInstanceUID, SOPClassUID, TransferSyntaxUID, CallingAET,"
                " CalledAET, Address, date, time and sequence; {sequence:06} fills up with zeros, {StudyDate:.4} cuts"
                " off",
            ),
            (
                "--fault WHAT@WHEN",
                "WHAT is reject, reject=calling, called, congestion, ..., status=A700, sleep=SECONDS,"
                " sleep-during=SECONDS, abort, abort=during, drop, drop=during or drop=association; WHEN is 10 (the"
                " tenth), every:10, or 10% (by chance)",
            ),
            ("--users FILE", "lines of name:hash as dcmnet-hash-password(1) prints them; # begins a comment"),
        ),
        files=(
            (".dcmnet-archive.sqlite", "in the folder of `--archive`: the index; `--reindex` makes it anew."),
            ("*.wl, *.dcm, *.json", "in the folder of `--worklist`: an entry each; a .csv has one in each row."),
        ),
        see_also=("dcmnet-hash-password",),
    ),
    "hash-password": Page(
        (
            "The password is asked for twice, or taken from the environment. The hash is scrypt's with a salt of its"
            " own, so that the file tells nobody the passwords.",
        ),
        see_also=("dcmnet-listen",),
    ),
    "compat": Page(
        (
            "The line is one for echoscu, storescu, dcmsend, findscu, movescu, getscu, storescp, dcmrecv or dcmqrscp,"
            " as one argument or as it was typed. What DCMTK does unasked is spelled out: its title, its information"
            " model, its stop at the first failure, its folder and file names. What no option makes the same is told"
            " in notes on standard error.",
            "In quotes, what a shell would expand stays as it was typed, and goes into the line. A file of arguments"
            " (`@FILE`) is read as DCMTK reads it, and so is the configuration of dcmqrscp: each title of it becomes a"
            " line of its own.",
            "With `--run` the exit status is that of the command that ran.",
        ),
        see_also=("dcmnet-echo", "dcmnet-store", "dcmnet-find", "dcmnet-move", "dcmnet-get", "dcmnet-listen"),
    ),
    "explain": Page(
        ("Where a word has several readings, such as 0110, all of them are given; a word before it asks for one.",),
        terms=(
            ("rj RESULT SOURCE REASON", "an association rejection; `1/1/7` alone is read as well"),
            ("abort SOURCE REASON", "an A-ABORT"),
            ("status CODE", "a DIMSE status, four hexadecimal digits; `--service` says whose"),
            ("context RESULT", "the result of a presentation context"),
            ("uid UID", "a UID or keyword: SOP classes, transfer syntaxes and whatever else PS3.6 lists"),
            ("command FIELD", "a DIMSE command field, such as 8021 or C-FIND-RSP"),
            ("pdu TYPE", "a PDU by type or name"),
            ("exit STATUS", "an exit status of these commands"),
        ),
    ),
}

INTRODUCTION = (
    "`dcmnet` is a toolkit for DICOM networking: it verifies, sends, queries, retrieves, receives, and explains. It"
    " says precisely why something failed and what to try, its exit status is the truth, and it accounts for every"
    " object by its SOP Instance UID.",
    "The options of DCMTK's echoscu, storescu, findscu, movescu, getscu and storescp work as they are.",
)
PEERS = (
    "A peer is given as `HOST PORT`, or in one word: `HOST:PORT`, `AET@HOST:PORT`, `[IPv6]:PORT`, the name of a node of"
    " the configuration, or `AET@NODE`. With one word no port follows.",
)
READING = (
    "Options may stand before and behind the arguments. The value of an option is the next word, or follows = in the"
    " same one; options are not run together, except -vv and -vvv. Behind `--` nothing is an option; a file called -1"
    " or +1.dcm needs no such mark.",
    "A word that is no option is refused with the names most like it.",
)
OUTPUT = (
    "Results go to standard output, everything else to standard error. A terminal gets tables and, unless it cannot,"
    " colour; a pipe gets plain lines with tabs between their cells. `--json` makes standard output one JSON object"
    " with the same facts, on failure too; `listen --json` prints one for each event.",
)
CONFIGURATION = (
    "One TOML file names the peers and presets. What is typed goes before the environment, the environment before the"
    " file. Paths in it are relative to the file.",
)
CONFIGURATION_EXAMPLE = """\
[defaults]                   # for all commands; [defaults.echo] for one
aet = "RESEARCH1"            # our own AE title
port = 11112                 # where move --here listens
timeouts = { connect = 5 }   # also acse, dimse, release, write

[nodes.archive]
host = "pacs.example.org"
port = 2762
aet = "ARCHIVE1"             # the peer's title
calling = "RESEARCH2"        # our own title towards this peer
tls = { ca = "hospital-ca.pem", key = "own.key", certificate = "own.pem" }"""
CONFIGURATION_KEYS = (
    ("aet, max_pdu, timeouts, charset, port", "of [defaults] and [defaults.COMMAND]"),
    ("host, port, aet, calling, max_pdu, timeouts, charset, quirks, tls", "of [nodes.NAME]; host and port are needed"),
    (
        "key, certificate, password_file, password_env, ca, verify, profile, server_name",
        "of the tls of a node, which may also be true or false",
    ),
)
COMPLETION = (
    "bash, zsh and fish complete commands, options, values, files, and the nodes of the configuration. They find the"
    " scripts below /usr and /usr/local by themselves; those of a virtual environment lie in its share folder:",
)
COMPLETION_FILES = """\
share/bash-completion/completions/dcmnet.bash    to be sourced
share/zsh/site-functions/_dcmnet                 its folder belongs in fpath
share/fish/vendor_completions.d/dcmnet.fish      to be sourced"""
EXAMPLES = (
    ("dcmnet echo PACS@pacs.example.org:104", "does it answer, and if not, why?"),
    ("dcmnet store PACS@pacs.example.org:104 ./export", "send a folder"),
    ("dcmnet find archive --patient-name 'MILLER*' --date -7d", "what has it, from last week?"),
    ("dcmnet move archive --study 1.2.3.4 --here ./in", "bring a study here, and prove that it is complete"),
    ("dcmnet listen 11112 -od inbox", "receive"),
)
READING_DIFFERENCES = (
    "Usage errors exit with 2, where DCMTK's tools exit with 1.",
    "A peer may be one word, and waits are finite unless 0 says otherwise.",
    "Secrets may come from a file, the environment or a prompt; -pwd and +pw are there for DCMTK's sake.",
)
# DCMTK's programs beside our commands.
COUNTERPARTS = (
    ("echoscu", "echo"),
    ("storescu, dcmsend", "store"),
    ("findscu", "find"),
    ("movescu", "move"),
    ("getscu", "get"),
    ("storescp, dcmrecv", "listen -od FOLDER"),
    ("dcmqrscp", "listen --archive FOLDER"),
    ("wlmscpfs", "listen --worklist PATH"),
)
CONFIGURATION_FILE = "~/.config/dcmnet/config.toml"
FILES = (
    (
        CONFIGURATION_FILE,
        "the configuration, unless `--config` or DCMNET_CONFIG names another one. XDG_CONFIG_HOME stands for ~/.config."
        " On macOS ~/Library/Application Support/dcmnet/config.toml is read where that file is missing.",
    ),
)
# Each with the option whose place it takes, where it has one.
ENVIRONMENT = (
    ("DCMNET_CONFIG", "--config", "the configuration file"),
    ("DCMNET_AET", "--aetitle", "our own AE title, where `-aet` does not say it"),
    ("DCMNET_CALL", "--call", "the title to call, where neither `-aec` nor the peer as it was named says it"),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "--server-name",
        "the authorities to trust in TLS, as OpenSSL has it, where neither `+cf` nor `+cd` names any",
    ),
    ("NO_COLOR", "", "no colour, if set to anything"),
    ("FORCE_COLOR", "", "colour and tables in a pipe as well, if set to anything"),
    ("TERM", "", "dumb: no colour, no line drawn anew"),
    ("COLUMNS", "", "the width to fill, instead of the terminal's"),
)
