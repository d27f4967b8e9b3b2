"""The frame of a study: run each cell once, keep every finished row, continue after an interruption.

Cells run one after another, or several at a time in processes of their own, with one thread each.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import multiprocessing
import platform
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from nbcode.device import choose, processor_name
from nbcode.experiments.source import fingerprint

RESULTS = Path(__file__).parent / "results"
Row = dict[str, float | int | str]


@dataclass(frozen=True)
class Study:
    """A study: a grid of cells, and a function that measures one cell.

    Attributes:
        module: dotted name of the module that defines it; its last part names the CSV file.
        keys: the columns that identify a cell, in order.
        values: the columns that are measured.
        measure: called with the keys as keyword arguments, returns a mapping of the values.
    """

    module: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    measure: Callable[..., Mapping]

    @property
    def name(self) -> str:
        return self.module.rsplit(".", 1)[-1]

    @property
    def path(self) -> Path:
        """Where the committed results lie."""
        return RESULTS / f"{self.name}.csv"

    def results(self) -> Results:
        """The committed results."""
        return read(self.path)

    def run(self, cells: Iterable[Mapping], command: str, out: Path | None = None, workers: int = 1) -> Path:
        """Measure the cells and write a CSV file; finished rows survive an interruption.

        Args:
            cells: one mapping of the keys per cell.
            command: what to type to get these results again; it is written into the file.
            out: the CSV file; ``None`` means the committed one.
            workers: how many processes measure cells at the same time; with 1, this process does.

        Returns:
            The path of the finished file.
        """
        out = self.path if out is None else out
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_name(out.name + ".partial")
        header = {"command": command, "code": fingerprint(self.module)}
        done = self._continue(partial, header)
        cells = list(cells)
        with partial.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.keys + self.values, lineterminator="\n")
            measured = self._all_measured(cells[done:], workers)
            progress = tqdm(measured, initial=done, total=len(cells), unit="cell", desc=self.name)
            for cell, values in zip(cells[done:], progress, strict=True):
                writer.writerow({**cell, **values})
                file.flush()
        self._finish(partial, out, header)
        return out

    def _all_measured(self, cells: Sequence[Mapping], workers: int) -> Iterator[Mapping]:
        """The values of the cells, in their order, whoever is done first."""
        if workers == 1:
            yield from map(self._measured, cells)
            return
        with multiprocessing.get_context("spawn").Pool(workers, _begin_worker) as pool:
            yield from pool.imap(self._measured, cells)

    def _measured(self, cell: Mapping) -> Mapping:
        measured = self.measure(**cell)
        if set(measured) != set(self.values):
            raise ValueError(f"{self.name} measured {sorted(measured)}; its columns are {sorted(self.values)}")
        return measured

    def _continue(self, partial: Path, header: Mapping[str, str]) -> int:
        """Prepare the partial file and return how many rows of this very run it holds."""
        if partial.exists():
            text = partial.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]  # a row cut off in the middle is measured again
            start = _header_text(header, self.keys + self.values)
            if whole.startswith(start):
                partial.write_text(whole, encoding="utf-8")
                return whole[len(start) :].count("\n")
            print(f"{partial} is from other code or another command; starting afresh", file=sys.stderr)
        partial.write_text(_header_text(header, self.keys + self.values), encoding="utf-8")
        return 0

    def _finish(self, partial: Path, out: Path, header: Mapping[str, str]) -> None:
        rows = partial.read_text(encoding="utf-8")[len(_header_text(header, self.keys + self.values)) :]
        made = {
            **header,
            "versions": f"Python {platform.python_version()}, PyTorch {torch.__version__}",
            "machine": f"{platform.system()}, {processor_name()}",
            "date": datetime.date.today().isoformat(),
        }
        whole = out.with_name(out.name + ".whole")
        whole.write_text(_header_text(made, self.keys + self.values) + rows, encoding="utf-8")
        whole.replace(out)  # in one step, so that the old results stay until the new ones are whole
        partial.unlink()


@dataclass(frozen=True)
class Results:
    """The rows of a study's CSV file, and its header: command, code, versions, machine, date."""

    header: dict[str, str]
    rows: list[Row]

    def column(self, name: str, **where) -> list:
        """The values of a column, in the rows whose cells match ``where``.

        Raises:
            ValueError: no row matches, or there is no such column.
        """
        columns = list(self.rows[0]) if self.rows else []
        unknown = {name, *where} - set(columns)
        found = [row for row in self.rows if not unknown and all(row[key] == value for key, value in where.items())]
        if not found:
            raise ValueError(f"no rows with {where} and column {name!r}; columns: {', '.join(columns)}")
        return [row[name] for row in found]

    def spread(self, name: str, **where) -> tuple:
        """The smallest and the largest value of a column, in the rows whose cells match ``where``."""
        values = self.column(name, **where)
        return min(values), max(values)


def read(path: Path) -> Results:
    """Read a study's CSV file.

    Raises:
        ValueError: there is no such file, or it is empty.
    """
    if not path.exists():
        raise ValueError(f"no results at {path}; run the study first: python -m nbcode.experiments.{path.stem}")
    lines = path.read_text(encoding="utf-8").splitlines()
    header = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    table = list(csv.DictReader(line for line in lines if not line.startswith("# ")))
    if not table:
        raise ValueError(f"{path} has no rows; run the study again: {header.get('command', path.stem)}")
    return Results(header, [{key: _number(value) for key, value in row.items()} for row in table])


def main(study: Study, cells: Sequence[Mapping], arguments: argparse.Namespace) -> int:
    """Run a study from the command line. Returns the exit code.

    That is 130 after Ctrl-C, with everything finished kept, and 2 for a negative seed, before anything is measured.
    """
    lowest = min((cell.get("seed", 0) for cell in cells), default=0)
    if lowest < 0:
        print(f"seed {lowest}; give integers of at least 0", file=sys.stderr)
        return 2
    try:
        out = Path(arguments.out) if arguments.out else None
        written = study.run(cells, _command(study), out, getattr(arguments, "workers", 1))
    except KeyboardInterrupt:
        print("\ninterrupted; the finished cells are kept, and the same command continues", file=sys.stderr)
        return 130
    print(written)
    return 0


def parser(study: Study, what: str, seeds: int | None = 20) -> argparse.ArgumentParser:
    """A command line parser with the options that studies share: ``--out``, and ``--seeds`` unless that is ``None``."""
    made = argparse.ArgumentParser(prog=f"python -m {study.module}", description=what)
    if seeds is not None:
        help_text = "number of seeds, from 0 (default: %(default)s)"
        made.add_argument("--seeds", type=at_least_one, default=seeds, help=help_text)
    made.add_argument("--out", help=f"CSV file to write (default: {study.path.name} among the committed results)")
    return made


def at_least_one(text: str) -> int:
    """An integer of at least 1, for argparse, which turns the error into a sentence and exit code 2."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least 1")
    return number


def add_workers(flags: argparse.ArgumentParser) -> None:
    """Add ``--workers`` to the command line of a study whose cells use one thread each."""
    help_text = "processes that measure cells at the same time (default: %(default)s)"
    flags.add_argument("--workers", type=at_least_one, default=1, help=help_text)


def device_here(text: str) -> str:
    """The name of a device that this machine has, for argparse."""
    try:
        return choose(text).device.type
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _begin_worker() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the process that asked ends its workers


def _command(study: Study) -> str:
    """What was typed, without the number of workers: it changes no result, and a run may go on with another one."""
    words = iter(sys.argv[1:])
    kept = [word for word in words if not (word.startswith("--workers=") or (word == "--workers" and next(words, "")))]
    return shlex.join(["python", "-m", study.module, *kept])


def _header_text(header: Mapping[str, str], columns: Sequence[str]) -> str:
    return "".join(f"# {key}: {value}\n" for key, value in header.items()) + ",".join(columns) + "\n"


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
