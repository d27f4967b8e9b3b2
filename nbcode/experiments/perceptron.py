"""How many mistakes does the perceptron rule make before it makes no more, and how does the margin change that?

``python -m nbcode.experiments.perceptron [--seeds 20] [--margins 0.02,0.05,0.1,0.2,0.4] [--out FILE]``
"""

from __future__ import annotations

import argparse
import sys

from nbcode.data.toy import separable
from nbcode.experiments.study import Study, main, parser
from nbcode.training.perceptron import learn, mistake_bound

MARGINS = (0.02, 0.05, 0.1, 0.2, 0.4)
POINTS = 100
EPOCHS = 100_000  # far above what the bound allows here: the rule always stops first


def measure(margin: float, seed: int) -> dict:
    """One run on points that keep ``margin`` from a line: mistakes, epochs, and Novikoff's bound on the mistakes."""
    x, y, line = separable(POINTS, margin, seed)
    run = learn(x, y, epochs=EPOCHS)
    return {"mistakes": sum(run.mistakes), "epochs": len(run.mistakes), "bound": round(mistake_bound(x, y, line), 1)}


STUDY = Study("nbcode.experiments.perceptron", ("margin", "seed"), ("mistakes", "epochs", "bound"), measure)


def _margins(text: str) -> tuple[float, ...]:
    try:
        margins = tuple(float(part) for part in text.split(","))
    except ValueError:
        margins = ()
    if not margins or not all(0 < margin <= 0.5 for margin in margins):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 0.1,0.2 of numbers above 0 and up to 0.5")
    return margins


if __name__ == "__main__":
    flags = parser(STUDY, __doc__.splitlines()[0])
    flags.add_argument("--margins", type=_margins, default=MARGINS, help="comma-separated, up to 0.5")
    chosen = flags.parse_args()
    grid = [{"margin": margin, "seed": seed} for margin in chosen.margins for seed in range(chosen.seeds)]
    sys.exit(main(STUDY, grid, chosen))
