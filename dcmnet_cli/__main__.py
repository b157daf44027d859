"""The front door: ``python -m dcmnet_cli`` and the ``dcmnet`` script."""

import gc
import sys


def main() -> None:
    """Run the command line and leave the process with its exit status.

    ``--version``, alone or as the only word after a command, is answered before anything is imported.
    """
    words = sys.argv[1:]
    if words[-1:] == ["--version"] and len(words) <= 2:
        from dcmnet_cli import __version__

        print(f"dcmnet {__version__}")
        return
    # Most of what starting up and planning make is kept: looking through it all for garbage so often finds nothing.
    gc.set_threshold(100_000)
    try:
        from dcmnet_cli.cli.app import run

        sys.exit(run(words))
    except KeyboardInterrupt:  # during the imports, or a second one: run() answers all others
        sys.exit(130)


if __name__ == "__main__":
    main()
