"""The command line of the measurements: ``python -m nbcode.bench training`` or ``finetuning``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nbcode.bench import finetuning, training

COMMANDS = {"training": training, "finetuning": finetuning}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code; what cannot be read ends the process with code 2 and a sentence."""
    flags = argparse.ArgumentParser(prog="python -m nbcode.bench", description="Measure how fast the course's code is.")
    commands = flags.add_subparsers(dest="command", required=True, metavar="command")
    for name, module in COMMANDS.items():
        told = module.__doc__.splitlines()[0]
        module.add_flags(commands.add_parser(name, help=told, description=told))
    arguments = flags.parse_args(words)
    return COMMANDS[arguments.command].main(arguments)


if __name__ == "__main__":
    sys.exit(main())
