"""Completion for zsh."""

from collections.abc import Iterator, Sequence
from shlex import quote

from dcmnet_cli.cli.manual.completion import MADE, NODES_AWK, Words

_DRIVER = r"""
# The nodes of the configuration: of --config, of DCMNET_CONFIG, or the user's own.
_dcmnet_nodes() {
    local file=${1:-$DCMNET_CONFIG} home=$XDG_CONFIG_HOME
    [[ $home == /* ]] || home=$HOME/.config
    [[ -n $file ]] || file=$home/dcmnet/config.toml
    file=${file/#\~\//$HOME/}
    [[ -e $file || -n $1$DCMNET_CONFIG ]] || file="$HOME/Library/Application Support/dcmnet/config.toml"
    [[ -r $file ]] && awk $_dcmnet_awk $file 2>/dev/null
}

# Offer what a value can be.
_dcmnet_value() {
    local -a found
    case $1 in
    file) _files ;;
    folder) _files -/ ;;
    command) _alternative 'commands:command:_command_names -e' 'files:file:_files' ;;
    variable) _parameters -g '*export*' ;;
    choice) _wanted values expl value compadd -a choices ;;
    node)
        found=(${(f)"$(_dcmnet_nodes $config)"})
        compset -P '*@'
        _wanted nodes expl node compadd -a found
        ;;
    *) _message 'a value' ;;
    esac
}

_dcmnet() {
    local command config asked word expl
    local -i place=1 ended=0
    local -a offered arguments kinds choices waiting
    local rest
    if (( CURRENT == 2 )); then
        _describe -t commands command _dcmnet_commands
        return
    fi
    command=_dcmnet_of_${words[2]//-/_}
    (( $+functions[$command] )) || return 1
    for word in "${(@Q)words[3,CURRENT-1]}"; do
        if (( $#waiting )); then
            [[ $asked == --config ]] && config=$word
            shift waiting
        elif (( ! ended )) && [[ $word == -- ]]; then
            ended=1
        elif (( ! ended )) && [[ $word == [-+]?* && $word != [-+][0-9]* ]]; then
            asked=$word kinds=()
            $command $word
            if (( ! $#kinds )) && [[ $word == *=* ]]; then
                asked=${word%%=*}
                $command $asked
                (( $#kinds )) && shift kinds
                [[ $asked == --config ]] && config=${word#*=}
            fi
            waiting=($kinds)
        else
            (( place++ ))
        fi
    done
    if (( $#waiting )); then
        _dcmnet_value $waiting[1]
        return
    fi
    if (( ! ended )) && [[ $PREFIX == [-+]*=* ]]; then
        kinds=()
        $command ${PREFIX%%=*}
        if (( $#kinds )); then
            compset -P '*='
            _dcmnet_value $kinds[1]
            return
        fi
    fi
    $command ''
    if (( ! ended )) && [[ $PREFIX == [-+]* ]]; then
        _describe -o option offered
    else
        _dcmnet_value ${arguments[place]:-$rest}
    fi
}

_dcmnet "$@"
"""


def script(commands: Sequence[Words], root: Words) -> str:
    """The whole file, to lie as ``_dcmnet`` in a folder of ``fpath``."""
    pairs = [*((command.name, command.summary) for command in commands), *root.options]
    head = [
        "#compdef dcmnet",
        f"# zsh completion for dcmnet. {MADE}",
        "_dcmnet_commands=(",
        *(f"    {_described(name, text)}" for name, text in pairs),
        ")",
        f"_dcmnet_awk={quote(NODES_AWK)}",
    ]
    return "\n".join([*head, *(line for command in commands for line in _function(command)), _DRIVER.lstrip("\n")])


def _described(name: str, text: str) -> str:
    return quote(f"{name}:{text}")


def _function(command: Words) -> Iterator[str]:
    yield ""
    yield f"_dcmnet_of_{command.name.replace('-', '_')}() {{"
    yield "    case $1 in"
    yield "    '')"
    yield "        offered=("
    yield from (f"            {_described(name, text)}" for name, text in command.options)
    yield "        )"
    yield f"        arguments=({' '.join(command.arguments)}) rest={command.rest}"
    if command.choices:
        yield f"        choices=({' '.join(map(quote, command.choices))})"
    yield "        ;;"
    for values in command.values:
        choices = f" choices=({' '.join(map(quote, values.choices))})" if values.choices else ""
        yield f"    {' | '.join(map(quote, values.names))}) kinds=({' '.join(values.kinds)}){choices} ;;"
    yield from ("    esac", "}")
