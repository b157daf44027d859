"""What every command is made of: lazily loaded subcommands, DCMTK's spelling of options, option families.

A command module holds one function under ``command``; its parameters are Typer's, or whole option families
(NamedTuples whose fields are ``Annotated`` options). ``Group`` shows every subcommand by name and one line of
help, and imports a module only when its command runs.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, TypeVar, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from dcmnet_cli.cli.spelling import Spelling, did_you_mean
from dcmnet_cli.cli.values import coerce
from dcmnet_cli.errors import UsageError

HELP_NAMES = ("-h", "--help")
T = TypeVar("T")


class Entry(NamedTuple):
    """One subcommand before it is imported: the module that holds it and its line in ``dcmnet --help``."""

    module: str
    summary: str


class _LightCoercion:
    """Stands in for the pydantic adapter that Typer 0.29 builds for every option, at a third of the start time."""

    __slots__ = ("annotation",)

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def coerce(self, value: Any, *, param: Any, ctx: typer.Context) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        return coerce(value, self.annotation, label(param))


_PLAIN = (str, int, float, bool)


def _is_plain(annotation: Any) -> bool:
    return annotation in _PLAIN or (
        get_origin(annotation) in (list, tuple) and all(item in _PLAIN for item in get_args(annotation))
    )


def _lighten(params: Iterable[Any]) -> None:
    """Give options of plain types our own coercion. Anything else, and any Typer without the method, stays as it is."""
    for param in params:
        annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        if hasattr(param, "get_runtime_param") and _is_plain(annotation):
            light = _LightCoercion(annotation)
            param.get_runtime_param = lambda light=light: light


def _tidy_help(option: Any) -> Any:
    """The help option with our own screen behind it."""
    if option is not None:
        option.opts.sort(key=HELP_NAMES.index)
        option.help, option.metavar, option.callback = "show this help and exit", "", _show_help
        _lighten([option])
    return option


def _show_help(ctx: typer.Context, param: Any, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from dcmnet_cli.cli.help_screen import show_help

        show_help(ctx)
        raise typer.Exit


def label(param: Any) -> str:
    """How a message calls a parameter: the metavar of an argument, all spellings of an option."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name.upper())
    return "/".join(param.opts)


class Command(TyperCommand):
    """A subcommand that reads its words as DCMTK's tools do, and says in one line what it cannot read.

    ``examples`` are (command line, what it does) pairs.
    """

    examples: ClassVar[Iterable[tuple[str, str]]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _lighten(self.params)

    def get_help_option(self, ctx: Any) -> Any:
        return _tidy_help(super().get_help_option(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        arguments = [label(param) for param in self.params if param.param_type_name == "argument"]
        return [*([self.options_metavar] if self.options_metavar else []), *arguments]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # completion: half a command line is no error
            return super().parse_args(ctx, args)
        words = Spelling(self.get_params(ctx), HELP_NAMES, self.name or "").respell(args)
        try:
            return super().parse_args(ctx, words)
        except typer.BadParameter as error:
            param = getattr(error, "param", None)
            if param is not None and not error.message:
                raise UsageError(f"{label(param)} is missing: {param.help}") from None
            raise


class ForeignLineCommand(Command):
    """A subcommand whose arguments are the command line of another program: options of its own stand before or after
    them, and what lies between is left as it is.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        own = {name for param in self.get_params(ctx) for name in param.opts if param.param_type_name == "option"}
        start = next((at for at, word in enumerate(args) if word[:1] not in ("-", "+")), len(args))
        if "--" in args[:start]:
            start = args.index("--") + 1
        end = len(args)
        while end > start + 1 and args[end - 1] in own - set(HELP_NAMES):
            end -= 1
        before = [word for word in args[:start] if word != "--"]
        return super().parse_args(ctx, [*before, *args[end:], "--", *args[start:end]])


class Group(TyperGroup):
    """The root. ``subcommands`` is the whole table; a stub stands for each until it is called."""

    subcommands: ClassVar[Mapping[str, Entry]] = {}
    # Names of other toolkits' programs, for whoever types them out of habit, and words for what commands do.
    known_elsewhere: ClassVar[Mapping[str, str]] = {}
    everyday: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _lighten(self.params)
        stubs = {name: Command(name, help=entry.summary) for name, entry in self.subcommands.items()}
        self.commands = {**stubs, **self.commands}

    def load(self, name: str) -> Any:
        """Import one subcommand and return its command. Raises KeyError for a name that is not in the table."""
        app = getattr(import_module(self.subcommands[name].module), name.replace("-", "_"))
        loaded = get_command(app)
        loaded.name = name
        self.commands[name] = loaded
        return loaded

    def get_help_option(self, ctx: Any) -> Any:
        return _tidy_help(super().get_help_option(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args[:1] == ["help"]:  # as git and others have it
            args = [*args[1:2], "--help"]
        if not ctx.resilient_parsing:
            args = Spelling(self.get_params(ctx), HELP_NAMES).respell_group(args)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name = args[0]
        if name in self.subcommands:
            return name, self.load(name), args[1:]
        if ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        elsewhere = self.known_elsewhere.get(name)
        close = elsewhere or self.everyday.get(name)
        hint = f"; did you mean {close}?" if close in self.commands else did_you_mean(name, self.commands)
        if elsewhere in self.commands and "compat" in self.commands:
            hint += f" dcmnet compat {name} ... puts a whole line into our words"
        raise UsageError(f'no such command "{name}"{hint}')


def show_version(wanted: bool) -> None:
    """The callback of every ``--version`` that the front door did not answer."""
    if wanted:
        from dcmnet_cli import __version__

        print(f"dcmnet {__version__}")
        raise typer.Exit


def _fields(group: Any) -> list[inspect.Parameter]:
    """A family's fields as parameters, families inside families opened up in place."""
    found: list[inspect.Parameter] = []
    for name, annotation in group.__annotations__.items():
        if _is_family(annotation):
            found += _fields(annotation)
        else:
            default = group._field_defaults.get(name, inspect.Parameter.empty)
            kind = inspect.Parameter.KEYWORD_ONLY
            found.append(inspect.Parameter(name, kind, default=default, annotation=annotation))
    return found


def _is_family(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields")


def _gather(group: Any, values: dict[str, Any]) -> Any:
    """Build a family from the flat values, taking its fields out of ``values``."""
    return group(
        **{
            name: _gather(annotation, values) if _is_family(annotation) else values.pop(name)
            for name, annotation in group.__annotations__.items()
        }
    )


def expand_families(function: Callable[..., T]) -> Callable[..., T]:
    """Replace each parameter annotated with an option family by the family's own options.

    The function still receives the families, rebuilt from what was parsed. Field names must differ between the
    families of one command, and the command's module must not postpone the evaluation of annotations.
    """
    parameters: list[inspect.Parameter] = []
    families: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if _is_family(parameter.annotation):
            families[parameter.name] = parameter.annotation
            parameters += _fields(parameter.annotation)
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(function)
    def wrapper(**values: Any) -> T:
        gathered = {name: _gather(family, values) for name, family in families.items()}
        return function(**gathered, **values)

    # Typer reads both: the signature for order and defaults, the annotations for types.
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def command(
    *, examples: Iterable[tuple[str, str]] = (), cls: type[Command] = Command
) -> Callable[[Callable[..., None]], typer.Typer]:
    """Make a function a subcommand. ``examples`` are (command line, what it does) pairs for help and man page; ``cls``
    says how its words are read.

    The decorated name is a Typer app of one command; ``Group`` finds it in its module under the command's name.
    """

    def decorate(function: Callable[..., None]) -> typer.Typer:
        app = typer.Typer(add_completion=False)
        register = app.command(
            cls=type("Command", (cls,), {"examples": tuple(examples)}),
            context_settings={"help_option_names": list(HELP_NAMES)},
        )
        register(expand_families(function))
        return app

    return decorate
