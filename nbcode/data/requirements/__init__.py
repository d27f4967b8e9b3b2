"""A SIMULATED database of product requirements, in English or Chinese. Nothing in it is real.

Colleagues of an invented online shop ask for changes; each request belongs to one of eight product managers (PMs), and
for a quarter of them nobody is recorded. ``generate`` makes the records: first what each is about (``plan``), in no
language, then the words (``words``), so that both languages tell of the same situations. Some labels are wrong, some
requests need two PMs, some repeat others, and one area changes hands on a day; the truth is known for all of them.

Scores on these data compare methods on this simulation. They are no evidence about real requests: how hard it is was
chosen by whoever made it.

The generator is frozen. The rule: how hard it is was tuned by the scores of a bag of words, on seeds 0 to 9, before any
network was run on it, and since then nothing of it has changed (``tests/test_requirements_frozen.py`` holds that). The
sketch that it grew out of was shaped while the scores of networks were watched too. How the methods are trained may be
tuned on seeds 0 to 9; what is reported comes from seeds 10, 11 and 12, which nobody has looked at before, whatever they
show.

    python -m nbcode.data.requirements --seed 1 --n 3000 --language en --out requirements.db
"""

from nbcode.data.requirements.database import write_database
from nbcode.data.requirements.records import Requirement, generate
from nbcode.data.requirements.settings import DEFAULT, Settings
from nbcode.data.requirements.splits import SPLITS, Split, by_group, by_situation, by_time

__all__ = [
    "DEFAULT",
    "SPLITS",
    "Requirement",
    "Settings",
    "Split",
    "by_group",
    "by_situation",
    "by_time",
    "generate",
    "write_database",
]
