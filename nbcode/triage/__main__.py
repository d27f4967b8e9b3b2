"""The command line: ``python -m nbcode.triage predict --database URL --table NAME --model FOLDER ...``."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbcode.triage import commands
from nbcode.triage.columns import Columns, TriageWarning
from nbcode.triage.predictor import Predictor

COMMANDS = {
    "fit": (commands.add_fit_flags, commands.run_fit),
    "predict": (commands.add_predict_flags, commands.run_predict),
    "evaluate": (commands.add_evaluate_flags, commands.run_evaluate),
    "demo": (commands.add_demo_flags, commands.run_demo),
}
INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


def main(words: Sequence[str] | None = None, load: commands.Load | None = None) -> int:
    """Run a command.

    Args:
        words: of the command line, behind the program's name.
        load: reads a model's folder; ``None`` for what ``fit`` has written there.

    Returns:
        The exit code: 0, 2 for what cannot be done, with a sentence, or 130 after Ctrl-C.
    """
    flags = argparse.ArgumentParser(
        prog="python -m nbcode.triage", description="Fill in a column of a table, by a model trained on its other rows."
    )
    subparsers = flags.add_subparsers(dest="command", required=True, metavar="command")
    for name, (add_flags, run) in COMMANDS.items():
        told = (run.__doc__ or "").splitlines()[0]
        add_flags(subparsers.add_parser(name, help=told, description=told))
    given = flags.parse_args(words)
    try:
        with _plain_warnings(f"{flags.prog} {given.command}"):
            told = COMMANDS[given.command][1](given, load or load_model)
    except (ValueError, OSError) as error:  # a TableError is a ValueError; a full disk is an OSError
        print(f"{flags.prog} {given.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{flags.prog} {given.command}: interrupted; the table is as it was", file=sys.stderr)
        return INTERRUPTED
    print(told)
    return 0


@contextlib.contextmanager
def _plain_warnings(command: str) -> Iterator[None]:
    """Show the tool's own warnings without a place in its code, which says nothing to its user."""
    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.filterwarnings("always", category=TriageWarning)

        def show(message, category, *place) -> None:
            if issubclass(category, TriageWarning):
                print(f"{command}: {message}", file=sys.stderr)
            else:
                usual(message, category, *place)

        warnings.showwarning = show
        yield


def load_model(folder: Path, columns: Columns) -> Predictor:
    """The model in a folder, by PyTorch, which is imported only for that."""
    from nbcode.triage.model_folder import load_predictor

    return load_predictor(folder, columns)


if __name__ == "__main__":
    sys.exit(main())
