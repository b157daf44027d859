"""Completion for fish."""

from collections.abc import Iterator, Sequence

from dcmnet_cli.cli.manual.completion import MADE, NODES_AWK, Words

_DRIVER = r"""
# The nodes of the configuration: of --config, of DCMNET_CONFIG, or the user's own.
function __dcmnet_nodes
    set -l file $argv[1] $DCMNET_CONFIG
    set -l home $XDG_CONFIG_HOME
    string match -q '/*' -- $home; or set home $HOME/.config
    if not set -q file[1]
        set file $home/dcmnet/config.toml
        test -e $file; or set file "$HOME/Library/Application Support/dcmnet/config.toml"
    end
    set file (string replace -r '^~/' $HOME/ -- $file[1])
    test -r $file; and awk $__dcmnet_awk $file 2>/dev/null
end

# Offer what a value can be ($argv[1]), of which something is typed ($argv[2]) behind a beginning ($argv[3]).
function __dcmnet_value
    switch $argv[1]
        case file
            __fish_complete_path $argv[2] | string replace -r '^' -- "$argv[3]"
        case folder
            __fish_complete_directories $argv[2] | string replace -r '^' -- "$argv[3]"
        case command
            __fish_complete_command
        case variable
            string replace -r '^' -- "$argv[3]" (set --names --export)
        case choice
            string replace -r '^' -- "$argv[3]" $__dcmnet_choices
        case node
            set -l title (string match -r '^.*@' -- $argv[2])
            string replace -r '^' -- "$argv[3]$title" (__dcmnet_nodes $__dcmnet_config)
    end
end

function __dcmnet_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l place 1
    set -l ended
    set -l waiting
    set -l asked
    set -g __dcmnet_config
    set -g __dcmnet_kinds
    set -g __dcmnet_choices
    if test (count $words) -eq 1
        printf '%s\n' $__dcmnet_commands
        return
    end
    set -l command __dcmnet_of_(string replace -a - _ -- $words[2])
    functions -q $command; or return
    for word in $words[3..-1]
        if set -q waiting[1]
            test "$asked" = --config; and set __dcmnet_config $word
            set -e waiting[1]
        else if test -z "$ended"; and test "$word" = --
            set ended yes
        else if test -z "$ended"; and string match -qr '^[-+][^0-9]' -- $word
            set asked $word
            set __dcmnet_kinds
            $command $word
            if not set -q __dcmnet_kinds[1]; and string match -q '*=*' -- $word
                set asked (string replace -r '=.*' '' -- $word)
                $command $asked
                set -e __dcmnet_kinds[1]
                test "$asked" = --config; and set __dcmnet_config (string replace -r '^[^=]*=' '' -- $word)
            end
            set waiting $__dcmnet_kinds
        else
            set place (math $place + 1)
        end
    end
    if set -q waiting[1]
        __dcmnet_value $waiting[1] $current ''
        return
    end
    if test -z "$ended"; and string match -qr '^[-+].*=' -- $current
        set __dcmnet_kinds
        $command (string replace -r '=.*' '' -- $current)
        if set -q __dcmnet_kinds[1]
            set -l typed (string replace -r '^[^=]*=' '' -- $current)
            __dcmnet_value $__dcmnet_kinds[1] $typed (string match -r '^[^=]*=' -- $current)
            return
        end
    end
    $command ''
    if test -z "$ended"; and string match -qr '^[-+]' -- $current
        printf '%s\n' $__dcmnet_options
    else if set -q __dcmnet_arguments[$place]
        __dcmnet_value $__dcmnet_arguments[$place] $current ''
    else
        __dcmnet_value $__dcmnet_rest $current ''
    end
end

complete -c dcmnet -f -a '(__dcmnet_complete)'
"""


def script(commands: Sequence[Words], root: Words) -> str:
    """The whole file, to lie in a folder of ``fish_complete_path``."""
    pairs = [*((command.name, command.summary) for command in commands), *root.options]
    head = [
        f"# fish completion for dcmnet. {MADE}",
        f"set -g __dcmnet_commands {' '.join(_described(name, text) for name, text in pairs)}",
        f"set -g __dcmnet_awk {_quote(NODES_AWK)}",
    ]
    return "\n".join([*head, *(line for command in commands for line in _function(command)), _DRIVER.lstrip("\n")])


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _described(name: str, text: str) -> str:
    return _quote(f"{name}\t{text}")


def _function(command: Words) -> Iterator[str]:
    yield ""
    yield f"function __dcmnet_of_{command.name.replace('-', '_')}"
    yield "    switch $argv[1]"
    yield "        case ''"
    yield "            set -g __dcmnet_options"
    yield from (f"            set -a __dcmnet_options {_described(name, text)}" for name, text in command.options)
    yield f"            set -g __dcmnet_arguments {' '.join(command.arguments)}"
    yield f"            set -g __dcmnet_rest {command.rest}"
    if command.choices:
        yield f"            set -g __dcmnet_choices {' '.join(map(_quote, command.choices))}"
    for values in command.values:
        yield f"        case {' '.join(map(_quote, values.names))}"
        yield f"            set -g __dcmnet_kinds {' '.join(values.kinds)}"
        if values.choices:
            yield f"            set -g __dcmnet_choices {' '.join(map(_quote, values.choices))}"
    yield from ("    end", "end")
