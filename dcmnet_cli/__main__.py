"""The front door: ``python -m dcmnet_cli`` and the ``dcmnet`` script."""

import gc
import os
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

        _leave(run(words))
    except KeyboardInterrupt:  # during the imports, or a second one: run() answers all others
        sys.exit(130)


def _leave(status: int) -> None:
    """End the process, without taking the interpreter apart where nothing is left to do: that is a tenth of an echo."""
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # run() has flushed stdout, and told where that failed
            pass
    os._exit(status)


if __name__ == "__main__":
    main()
