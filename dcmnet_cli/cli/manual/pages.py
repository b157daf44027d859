"""The man pages: dcmnet(1), and one for each command of the tree."""

from collections.abc import Iterable, Iterator, Sequence

from dcmnet_cli import __version__
from dcmnet_cli.cli.dcmtk_differences import DIFFERENCES
from dcmnet_cli.cli.help_screen import fold
from dcmnet_cli.cli.manual import texts
from dcmnet_cli.cli.manual.roff import bold, escape, italic, literal, paragraphs, prose, section, subsection, term
from dcmnet_cli.cli.manual.texts import PAGES, Page
from dcmnet_cli.cli.tree import CommandFacts, OptionFacts
from dcmnet_cli.ops.explain_table import EXITS

_MOST_CHOICES = 12
_WIDTH = 72
# What a command can end with that asks nobody.
_LOCAL_EXITS = (0, 1, 2, 11, 70, 130)
_SPELLED_OUT = (
    "Read because scripts of DCMTK's tools have them, and not shown by `--help`. Those without a text ask for what is"
    " done anyway."
)


def man_pages(commands: Sequence[CommandFacts], root: CommandFacts) -> dict[str, str]:
    """The pages by file name."""
    pages = {"dcmnet.1": _text(_main_page(commands, root))}
    for command in commands:
        pages[f"dcmnet-{command.name}.1"] = _text(_command_page(command))
    return pages


def _text(lines: Iterable[str]) -> str:
    head = '.\\" Written by python -m dcmnet_cli.cli.manual from what stands in dcmnet_cli/cli; not to be edited.'
    return "".join(f"{line}\n" for line in (head, *lines))


def _head(name: str, summary: str) -> Iterator[str]:
    yield f'.TH {name.upper()} 1 "{texts.DATE}" "dcmnet {__version__}" "dcmnet"'
    yield from (".ad l", section("Name"), f"{escape(name)} \\- {prose(summary)}")


def _command_page(command: CommandFacts) -> Iterator[str]:
    page = PAGES.get(command.name, Page())
    yield from _head(f"dcmnet-{command.name}", command.summary)
    yield from (section("Synopsis"), _usage(command))
    yield section("Description")
    yield from paragraphs((command.text, *page.description))
    for argument in command.arguments:
        yield from term(italic(argument.metavar), argument.text)
    for name, text in page.terms:
        yield from term(bold(name), text)
    yield from _options(command)
    yield section("Examples")
    yield from _examples(command.examples)
    yield from _exit_status(EXITS if "Association" in command.panels else _LOCAL_EXITS)
    yield from _list("Files", (*(texts.FILES if _has(command, "--config") else ()), *page.files))
    yield from _list("Environment", (*_environment(command), *page.environment))
    yield from _differences(command.name)
    yield from _see_also((*page.see_also, *(("dcmnet-explain",) if "Association" in command.panels else ())))


def _usage(command: CommandFacts) -> str:
    _, _, words = command.usage.partition(" ")
    name, *rest = words.split()
    return " ".join((bold(f"dcmnet {name}"), *map(italic, rest)))


def _options(command: CommandFacts) -> Iterator[str]:
    yield section("Options")
    yield prose("Short spellings are DCMTK's. Both spellings of an option do the same.")
    for title, options in command.panels.items():
        listed = [option for option in options if option.is_listed]
        if listed:
            yield subsection(title)
        for option in listed:
            yield from term(_names(option), option.text + _choices(option))
    spelled_out = [option for option in command.options if not option.is_listed]
    if spelled_out:
        yield subsection("Spelled out")
        yield prose(_SPELLED_OUT)
        silent = [option for option in spelled_out if not option.text]
        for option in spelled_out:
            if option.text:
                yield from term(_names(option), option.text)
        if silent:
            yield ".PP"
            yield from (_names(option) + (";" if option is not silent[-1] else ".") for option in silent)


def _names(option: OptionFacts) -> str:
    metavar = f" {italic(option.metavar)}" if option.metavar else ""
    off = f"; {', '.join(map(bold, option.off_names))}" if option.off_names else ""
    return ", ".join(f"\\%{bold(name)}" for name in (*option.short_names, *option.long_names)) + metavar + off


def _choices(option: OptionFacts) -> str:
    """The values, where there are few and the text does not have them all."""
    told = set(option.text.replace(",", " ").replace(":", " ").split())
    if not 0 < len(option.choices) <= _MOST_CHOICES or told.issuperset(option.choices):
        return ""
    return f"; one of {', '.join(option.choices)}"


def _examples(examples: Iterable[tuple[str, str]]) -> Iterator[str]:
    for number, (line, what) in enumerate(examples):
        yield from (*((".PP",) if number else ()), prose(what[:1].upper() + what[1:]), *literal(fold(line, _WIDTH)))


def _exit_status(codes: Iterable[int]) -> Iterator[str]:
    yield section("Exit status")
    for code in codes:
        title, meaning, _ = EXITS[code]
        yield from term(bold(str(code)), f"{title}: {meaning[:1].lower()}{meaning[1:]}")


def _environment(command: CommandFacts) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, option, text in texts.ENVIRONMENT if not option or _has(command, option))


def _has(command: CommandFacts, name: str) -> bool:
    return any(name in option.names for option in command.options)


def _list(title: str, entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    told = [line for name, text in entries for line in term(bold(name), text)]
    if told:
        yield from (section(title), *told)


def _differences(name: str) -> Iterator[str]:
    by_tool: dict[str, list[str]] = {}
    for each in DIFFERENCES.get(name, ()):
        by_tool.setdefault(each.tool, []).extend(term(bold(each.option), f"{each.reason}; {each.instead}"))
    yield section("Differences from DCMTK")
    if not by_tool:
        yield "DCMTK has no such command."
        return
    yield prose(
        "Options that are not taken, with what to use instead, and habits that differ. What holds for all commands is"
        " in `dcmnet`(1)."
    )
    for tool, lines in by_tool.items():
        yield from (subsection(tool), *lines)


def _see_also(names: Iterable[str], last: str = "dcmnet") -> Iterator[str]:
    yield section("See also")
    pages = sorted({*names, last})
    yield from (f".BR \\%{escape(name)} (1)" + ("," if name != pages[-1] else "") for name in pages)


def _main_page(commands: Sequence[CommandFacts], root: CommandFacts) -> Iterator[str]:
    yield from _head("dcmnet", "DICOM networking at the command line")
    yield from (section("Synopsis"), f"{bold('dcmnet')} {italic('COMMAND')} [{italic('OPTIONS')}] {italic('...')}")
    yield section("Description")
    yield from paragraphs(texts.INTRODUCTION)
    yield section("Commands")
    for command in commands:
        yield from term(f"{bold(command.name)}", f"{command.summary}; see `dcmnet-{command.name}`(1)")
    yield section("Options")
    for option in root.options:
        yield from term(_names(option), option.text)
    for title, told in (("Peers", texts.PEERS), ("How words are read", texts.READING), ("Output", texts.OUTPUT)):
        yield from (section(title), *paragraphs(told))
    yield from _configuration()
    yield from (section("Completion"), *paragraphs(texts.COMPLETION))
    yield from literal(texts.COMPLETION_FILES.splitlines())
    yield section("Examples")
    yield from _examples(texts.EXAMPLES)
    yield from _exit_status(EXITS)
    yield from _list("Files", texts.FILES)
    yield from _list("Environment", ((name, text) for name, _, text in texts.ENVIRONMENT))
    yield section("Differences from DCMTK")
    for ours in texts.READING_DIFFERENCES:
        yield from (".IP \\(bu 2", prose(ours))
    yield from (".PP", "DCMTK's programs and the commands that do the same:")
    for program, ours in texts.COUNTERPARTS:
        yield from term(bold(program), f"`dcmnet {ours}`")
    yield from _see_also((f"dcmnet-{command.name}" for command in commands), last=f"dcmnet-{commands[0].name}")


def _configuration() -> Iterator[str]:
    yield from (section("Configuration"), *paragraphs(texts.CONFIGURATION))
    yield from literal(texts.CONFIGURATION_EXAMPLE.splitlines())
    for name, text in texts.CONFIGURATION_KEYS:
        yield from term(bold(name), text)
