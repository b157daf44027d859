"""``python -m tests.fuzz TARGET --seconds N``: look for bytes that break a decoder, guided by atheris.

What it finds on its way stays in a temporary folder; the bytes that broke something are kept and named at the end.
Exit status 0 when nothing broke.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
_LONGEST = 4096
_SLOWEST = 10  # seconds that one input may take


def main(words: Sequence[str]) -> int:
    """Returns where atheris is missing; otherwise atheris leaves the process."""
    names = sorted(each.name for each in CORPUS.iterdir() if each.is_dir())
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("target", choices=names)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--findings", default="", help="folder for new inputs; default a temporary one")
    options = parser.parse_args(words)
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: pip install 'dcmnet-cli[fuzz]'", file=sys.stderr)
        return 2
    findings = options.findings or tempfile.mkdtemp(prefix=f"fuzz-{options.target}-")
    with atheris.instrument_imports(include=["dcmnet_cli"]):
        from tests.fuzz.targets import TARGETS
    arguments = [
        sys.argv[0],
        findings,
        str(CORPUS / options.target),
        f"-max_total_time={options.seconds}",
        f"-max_len={_LONGEST}",
        f"-timeout={_SLOWEST}",
        f"-artifact_prefix={findings}/broke-",
        "-print_final_stats=1",
    ]
    atheris.Setup(arguments, TARGETS[options.target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
