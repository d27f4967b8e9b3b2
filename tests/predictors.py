"""A model that needs no training, and tables to try the tool on."""

import csv
import random
import sqlite3
import zlib
from contextlib import closing

import numpy as np

from nbcode.triage import Columns

COLUMNS = Columns(("title", "body"), "pm", "id")
OWN = ("pm_predicted", "pm_confidence", "pm_model")


class Hashing:
    """Says the same of the same text: probabilities made of its checksum."""

    def __init__(self, model_id="hashing-1", classes=("ann", "bob", "eve")):
        self.model_id, self.classes, self.texts = model_id, list(classes), []

    def predict(self, texts):
        self.texts.extend(texts)
        return self.probabilities(texts)

    def probabilities(self, texts):
        codes = np.array([zlib.crc32(text.encode()) for text in texts])[:, None] >> np.arange(0, 24, 8)
        weights = (codes & 255) + 1.0
        return weights / weights.sum(axis=1, keepdims=True)

    def best(self, text):
        (row,) = self.probabilities([text])
        return self.classes[row.argmax()], float(row.max())


def rows(count, size=1):
    """Rows of id, title, body, pm: every fourth has a label, the others lack it in three ways."""
    missing = ["ann", None, "", " \t"]
    return [(i, f"title {i}", f"body {i} " * size, missing[i % 4]) for i in range(count)]


def make_sqlite(path, given, mode="delete"):
    """A table "requests" in a new file; returns its URL."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"pragma journal_mode = {mode}")
        database.execute("create table requests (id integer primary key, title text, body text, pm text)")
        database.executemany("insert into requests values (?, ?, ?, ?)", given)
        database.commit()
    return f"sqlite:///{path}"


def make_csv(path, given, header=("id", "title", "body", "pm"), **form):
    with path.open("w", encoding=form.pop("encoding", "utf-8"), newline="") as file:
        csv.writer(file, **form).writerows([header, *given])
    return path


def read_sqlite(path, query="select * from requests order by id"):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def read_csv(path, encoding="utf-8", delimiter=","):
    before = csv.field_size_limit(2**30)
    try:
        with path.open(encoding=encoding, newline="") as file:
            return list(csv.reader(file, delimiter=delimiter))
    finally:
        csv.field_size_limit(before)


TOPICS = {"ann": "refund money card", "bob": "parcel truck ship", "eve": "screen button page"}
FILLING = ["please", "the", "we", "need", "soon", "for", "our", "shop", "and", "today"]


def topical(count, seed=0, missing=4):
    """Rows of id, title, body, pm: each PM has words of his own, and every so many-th row has no PM."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        pm = draw.choice(list(TOPICS))
        words = [*draw.choices(TOPICS[pm].split(), k=4), *draw.choices(FILLING, k=6)]
        draw.shuffle(words)
        found.append((number, " ".join(words[:3]), " ".join(words[3:]), None if number % missing == 0 else pm))
    return found


def pm_of(row):
    """Whose words a row has."""
    return next(pm for pm, words in TOPICS.items() if set(words.split()) & set(f"{row[1]} {row[2]}".split()))
