"""Killed at any moment, ``predict`` leaves the table as it was or complete; and a large table needs little memory."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from nbcode.triage.table import BATCH
from predictors import make_csv, make_sqlite, read_csv, read_sqlite, rows

ROWS = 12_000  # so that writing takes long enough to be hit
# Forks a process that predicts, and kills it some time after one of four marks: the table was opened (r), the model has
# given its last answer (w), the write has begun (d), it has ended (e). All is imported before, so that the time goes by
# with work; and it is not the tests' own process that is forked, which has threads.
KILLER = """
import json, os, signal, sys, time
import sqlalchemy
from nbcode.triage import csv_file, open_table, predict
from nbcode.triage import csv_table, sql_table  # the imports must not be what is killed
from predictors import COLUMNS, Hashing

class Telling(Hashing):
    def __init__(self, tell, batches):
        super().__init__()
        self.tell, self.batches = tell, batches

    def predict(self, texts):
        self.batches -= 1
        answer = self.probabilities(texts)
        if self.batches == 0:
            self.tell("w")
        return answer

def run(source, name, batches, pipe):
    tell = lambda mark: os.write(pipe, mark.encode())
    table = open_table(source, name, COLUMNS)
    if name is None:
        csv_file._Ends.write = telling(csv_file._Ends.write, tell)
    else:
        listen = lambda connection, cursor, statement, *rest: statement.startswith("ALTER") and tell("d")
        sqlalchemy.event.listen(table.engine, "after_cursor_execute", listen)
    tell("r")
    predict(table, Telling(tell, batches), progress=False)
    tell("e")  # before the process ends, which takes its time too

def telling(write, tell):
    lines = []

    def told(self, line):
        write(self, line)
        lines.append(line)
        if len(lines) == 100:
            tell("d")

    return told

for line in sys.stdin:
    *work, after, delay = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            run(*work, writing)
        finally:
            os._exit(0)
    os.close(writing)
    times = {}
    while mark := os.read(reading, 1).decode():
        if mark not in times:
            times[mark] = time.perf_counter()
            if mark == after:
                time.sleep(delay)
                os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    print(json.dumps(times), flush=True)
"""


class Tables:
    """Tables of one kind, and a process that predicts in them and can be killed."""

    def __init__(self, folder, kind, process):
        self.folder, self.kind, self.process = folder, kind, process

    def make(self, given):
        for path in self.folder.iterdir():
            path.unlink()
        if self.kind == "csv":
            make_csv(self.folder / "a.csv", given)
        else:
            make_sqlite(self.folder / "a.db", given, self.kind)

    def run(self, after="", delay=0.0):
        """Predict, and be killed some time after a mark. Returns the times of the marks that were reached."""
        source, name = str(self.folder / "a.csv"), None
        if self.kind != "csv":
            source, name = f"sqlite:///{self.folder}/a.db", "requests"
        self.process.stdin.write(json.dumps([source, name, -(-ROWS // BATCH), after, delay]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def rows(self):
        """What stands there; a row without predictions as before there were columns for them."""
        if self.kind == "csv":
            return [tuple(row) for row in read_csv(self.folder / "a.csv")[1:]]
        assert read_sqlite(self.folder / "a.db", "pragma integrity_check") == [("ok",)]
        return [row if any(row[4:]) else row[:4] for row in read_sqlite(self.folder / "a.db")]


@pytest.fixture(params=["delete", "wal", "csv"])
def tables(request, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    )
    yield Tables(tmp_path, request.param, process)
    process.stdin.close()
    process.wait(timeout=60)
    process.stdout.close()


def environment():
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def test_killed_at_any_moment_the_table_is_as_it_was_or_complete(tables):
    given = rows(ROWS)
    tables.make(given)
    original = tables.rows()
    times = tables.run()
    complete = tables.rows()
    assert [*times] == ["r", "w", "d", "e"] and sum(row[-1] == "hashing-1" for row in complete) == ROWS * 3 // 4
    draw = random.Random(tables.kind)
    whole, writing = times["e"] - times["r"], times["e"] - times["d"]
    moments = [("r", draw.uniform(0, whole)) for _ in range(4)] + [("w", draw.uniform(0, writing)) for _ in range(3)]
    moments += [("d", draw.uniform(0, writing)) for _ in range(4)] + [("d", 0)]
    killed = inside = unchanged = 0
    for number, (after, delay) in enumerate(moments):
        tables.make(given)
        times = tables.run(after, delay)
        found = tables.rows()
        assert found in (original, complete), (after, delay)
        killed += "e" not in times
        unchanged += found == original
        inside += "d" in times and found == original
        if number % 4 == 3:  # the next run ends as if nothing had been
            tables.run()
            assert tables.rows() == complete
    print(f"{tables.kind}: {killed} of {len(moments)} killed, {inside} inside the write; {unchanged} as before")
    assert killed >= 3 and inside >= 1 and unchanged >= 2


MEASURED = """
import re, resource, sys
from pathlib import Path
from nbcode.triage import open_table, predict
from nbcode.triage import sql_table, csv_table
from predictors import COLUMNS, Hashing

class Silent(Hashing):
    def predict(self, texts):
        return self.probabilities(texts)

def peak():  # in MB; on Linux the other way would begin with the peak of the process that started this one
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

source, name = sys.argv[1], sys.argv[2] or None
before = peak()
summary = predict(open_table(source, name, COLUMNS), Silent(), progress=False)
print(summary.written, peak() - before)
"""


@pytest.mark.parametrize("kind", ["sqlite", "csv"])
def test_a_hundred_thousand_rows_need_little_memory(tmp_path, kind):
    """The texts are 120 MB; a batch of them is under 1 MB, and of a CSV file all keys stay, about 10 MB."""
    given = rows(100_000, size=100)
    if kind == "sqlite":
        place = [make_sqlite(tmp_path / "a.db", given), "requests"]
    else:
        place = [str(make_csv(tmp_path / "a.csv", given)), ""]
    del given
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, *place], capture_output=True, text=True, check=True, env=environment()
    )
    written, megabytes = map(float, told.stdout.split())
    print(f"{kind}: {megabytes:.1f} MB")
    assert written == 75_000 and (tmp_path / Path(place[0]).name).stat().st_size > 100e6 and megabytes < 30
