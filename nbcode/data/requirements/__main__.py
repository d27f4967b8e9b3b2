"""The command line: ``python -m nbcode.data.requirements --seed 1 --n 3000 --language en --out requirements.db``."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Sequence

from nbcode.data.requirements import generate, write_database
from nbcode.data.requirements.areas import LANGUAGES


def main(words: Sequence[str] | None = None) -> int:
    """Write a database. Returns the exit code: 0, or 2 for what cannot be done, with a sentence."""
    flags = argparse.ArgumentParser(
        prog="python -m nbcode.data.requirements",
        description="Write a SIMULATED database of product requirements. Nothing in it is real.",
    )
    flags.add_argument("--seed", type=int, default=1, help="of everything (default: 1)")
    flags.add_argument("--n", type=int, default=3000, help="how many records (default: 3000)")
    flags.add_argument("--language", choices=LANGUAGES, default="en", help="of the texts (default: en)")
    flags.add_argument("--out", required=True, help="the SQLite file to write; it must not be there yet")
    given = flags.parse_args(words)
    try:
        records = generate(given.seed, given.n, given.language)
        write_database(records, given.out)
    except (ValueError, OSError, sqlite3.Error) as error:
        print(f"{flags.prog}: {error}", file=sys.stderr)
        return 2
    missing = sum(record.sub_technical_pm is None for record in records)
    print(f"{given.out}: {len(records)} SIMULATED requirements, {missing} of them without a PM")
    return 0


if __name__ == "__main__":
    sys.exit(main())
