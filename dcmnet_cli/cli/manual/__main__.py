"""``python -m dcmnet_cli.cli.manual [FOLDER]``: write the pages and completions below a folder, by default this one."""

import sys
from pathlib import Path

from typer.main import get_command

from dcmnet_cli.cli.app import Root, app
from dcmnet_cli.cli.manual import bash, fish, zsh
from dcmnet_cli.cli.manual.completion import words_of
from dcmnet_cli.cli.manual.pages import man_pages
from dcmnet_cli.cli.tree import read_root, read_tree

COMMAND = "python -m dcmnet_cli.cli.manual"


def generated() -> dict[str, str]:
    """Everything that is made of the tree: text by path."""
    root = get_command(app)
    assert isinstance(root, Root)
    commands = read_tree(root)
    above = read_root(root)
    words = [words_of(command) for command in commands]
    return {
        **{f"man/{name}": text for name, text in man_pages(commands, above).items()},
        "completions/dcmnet.bash": bash.script(words, words_of(above)),
        "completions/_dcmnet": zsh.script(words, words_of(above)),
        "completions/dcmnet.fish": fish.script(words, words_of(above)),
    }


def write(folder: Path) -> None:
    """Write what changed, and take away pages of commands that are no more."""
    made = generated()
    for directory in {Path(name).parent for name in made}:
        (folder / directory).mkdir(exist_ok=True)
        for old in (folder / directory).iterdir():
            if f"{directory}/{old.name}" not in made:
                old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
