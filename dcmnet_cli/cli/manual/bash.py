"""Completion for bash, which breaks words at = : and @, and needs nothing of the package bash-completion."""

from collections.abc import Iterator, Sequence
from shlex import quote

from dcmnet_cli.cli.manual.completion import MADE, NODES_AWK, Words

_DRIVER = r"""
# The words up to the cursor, put together again where bash broke them.
_dcmnet_words() {
    local line=${COMP_LINE:0:COMP_POINT} rest piece i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${line#"${line%%[![:blank:]]*}"}
        piece=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && piece=$rest
        if ((i > 0)) && [[ $rest == "$line" ]]; then
            words[${#words[@]}-1]+=$piece
        else
            words+=("$piece")
        fi
        line=${rest#"$piece"}
    done
}

# The nodes of the configuration: of --config, of DCMNET_CONFIG, or the user's own.
_dcmnet_nodes() {
    local file=${1:-$DCMNET_CONFIG} home=$XDG_CONFIG_HOME
    [[ $home == /* ]] || home=$HOME/.config
    [[ $file == '~/'* ]] && file=$HOME/${file#'~/'}
    [[ $file ]] || file=$home/dcmnet/config.toml
    [[ -e $file || $1 || $DCMNET_CONFIG ]] || file="$HOME/Library/Application Support/dcmnet/config.toml"
    [[ -r $file ]] && awk "$_dcmnet_awk" "$file" 2>/dev/null
}

# Offer those words that begin with what is typed ($1) of the last word.
_dcmnet_offer() {
    local typed=$1 before=${current%"$1"} tail=${current##*[$COMP_WORDBREAKS]} word
    [[ ${current%"$tail"} == *@ ]] && tail=@$tail # bash breaks the word before it, not behind
    shift
    for word; do
        if [[ $word == "$typed"* ]]; then
            word=$before$word
            COMPREPLY+=("${word#"${current%"$tail"}"}")
        fi
    done
}

# Offer what a value can be ($1), of which something is typed ($2).
_dcmnet_value() {
    local IFS=$'\n' name found=()
    case $1 in
    file) compopt -o default ;;
    folder) compopt -o dirnames ;;
    command) found=($(compgen -c -- "$2")) && _dcmnet_offer "$2" "${found[@]}" ;;
    variable) found=($(compgen -e -- "$2")) && _dcmnet_offer "$2" "${found[@]}" ;;
    choice) _dcmnet_offer "$2" "${choices[@]}" ;;
    node)
        while read -r name; do
            [[ $2 == *@* ]] && name=${2%@*}@$name
            printf -v name %q "$name"
            found+=("$name")
        done < <(_dcmnet_nodes "$config")
        _dcmnet_offer "$2" "${found[@]}"
        ;;
    esac
} 2>/dev/null

_dcmnet() {
    local words current command config= place=0 ended= asked= word i
    local options arguments rest kinds=() choices waiting=()
    compopt +o default 2>/dev/null
    COMPREPLY=()
    _dcmnet_words
    current=${words[${#words[@]}-1]}
    if ((${#words[@]} == 2)); then
        _dcmnet_offer "$current" "${_dcmnet_commands[@]}"
        return
    fi
    command=_dcmnet_of_${words[1]//-/_}
    declare -F "$command" >/dev/null || return
    for ((i = 2; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        if ((${#waiting[@]})); then
            [[ $asked == --config ]] && config=$word
            waiting=("${waiting[@]:1}")
        elif [[ ! $ended && $word == -- ]]; then
            ended=yes
        elif [[ ! $ended && $word == [-+]?* && $word != [-+][0-9]* ]]; then
            asked=$word kinds=()
            "$command" "$word"
            if ((!${#kinds[@]})) && [[ $word == *=* ]]; then
                asked=${word%%=*}
                "$command" "$asked"
                kinds=("${kinds[@]:1}")
                [[ $asked == --config ]] && config=${word#*=}
            fi
            waiting=("${kinds[@]}")
        else
            ((place++))
        fi
    done
    if ((${#waiting[@]})); then
        _dcmnet_value "${waiting[0]}" "$current"
        return
    fi
    if [[ ! $ended && $current == [-+]*=* ]]; then
        kinds=()
        "$command" "${current%%=*}"
        if ((${#kinds[@]})); then
            _dcmnet_value "${kinds[0]}" "${current#*=}"
            return
        fi
    fi
    "$command" ''
    if [[ ! $ended && $current == [-+]* ]]; then
        _dcmnet_offer "$current" "${options[@]}"
    else
        _dcmnet_value "${arguments[place]:-$rest}" "$current"
    fi
}

complete -o default -F _dcmnet dcmnet
"""


def script(commands: Sequence[Words], root: Words) -> str:
    """The whole file, to be sourced, or to lie where the package bash-completion looks."""
    names = [*(command.name for command in commands), *(name for name, _ in root.options)]
    head = [
        f"# bash completion for dcmnet. {MADE}",
        f"_dcmnet_commands=({' '.join(names)})",
        f"_dcmnet_awk={quote(NODES_AWK)}",
    ]
    return "\n".join([*head, *(line for command in commands for line in _function(command)), _DRIVER.lstrip("\n")])


def _function(command: Words) -> Iterator[str]:
    yield ""
    yield f"_dcmnet_of_{command.name.replace('-', '_')}() {{"
    yield "    case $1 in"
    yield "    '')"
    yield f"        options=({' '.join(quote(name) for name, _ in command.options)})"
    yield f"        arguments=({' '.join(command.arguments)}) rest={command.rest}"
    if command.choices:
        yield f"        choices=({' '.join(map(quote, command.choices))})"
    yield "        ;;"
    for values in command.values:
        choices = f" choices=({' '.join(map(quote, values.choices))})" if values.choices else ""
        yield f"    {' | '.join(values.names)}) kinds=({' '.join(values.kinds)}){choices} ;;"
    yield from ("    esac", "}")
