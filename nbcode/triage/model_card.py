"""The model card: what a model was trained on, what was measured, and what it must not be taken for.

Nothing stands in it that was not measured. Mitchell et al. (2019), "Model Cards for Model Reporting".
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from nbcode.triage.report import Report
from nbcode.triage.scores import Decided, Scores

SHOWN = 50  # classes
LONG = 80  # characters of a label
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # a terminal would obey some of them


def card(report: Report, model_id: str) -> str:
    """A model card in Markdown. Names from the table cannot break it: they are escaped."""
    return "\n\n".join(
        [
            f"# {safe(model_id)}",
            _what(report),
            "## Training",
            _training(report),
            "## Scores",
            _scores(report),
            "## Thresholds",
            _thresholds(report.own.coverage),
            "## Limits",
            _limits(report),
            "## Classes",
            _classes(report),
            "",
        ]
    )


def safe(text: str, longest: int | None = None) -> str:
    """A text as Markdown shows it and does not run it, in one line."""
    line = CONTROL.sub("\ufffd", " ".join(text.split()))
    short = f"{line[:longest]}..." if longest is not None and len(line) > longest else line
    return html.escape(re.sub(r"([\\`*_{}\[\]()#|~!$])", r"\\\1", short), quote=False)


def _what(report: Report) -> str:
    texts = " and ".join(map(safe, report.columns.text))
    return (
        f"Tells **{safe(report.columns.label)}** from {texts}: one of {len(report.classes)} classes, with a confidence."
        "\n\n"
        "Use it with `python -m nbcode.triage predict`. Hugging Face's libraries read this folder as a "
        "`BertForTokenClassification`; the mean of its logits over all tokens, special ones too, is what this model "
        "says."
    )


def _training(report: Report) -> str:
    plan = report.plan
    losses = ", ".join(f"{loss:.3f}" for loss in report.losses)
    return "\n".join(
        [
            f"- Rows: {report.rows} of {safe(report.where)} with a label and a text{safe(report.left_out)}.",
            f"- They were {safe(report.cut)}. Near-duplicates are in one part only.",
            f"- Checkpoint: {safe(report.checkpoint)}. Words unknown to its vocabulary: {report.unknown:.1%}.",
            f"- A linear head was fitted on the frozen checkpoint, then everything was trained with AdamW: rate "
            f"{plan.rate:g}, batches of {plan.batch}, texts cut at {plan.max_tokens} tokens, seed {plan.seed}.",
            f"- Epochs: {report.epochs} of at most {plan.epochs}, chosen by the loss on the validation part "
            f"(after 0, 1, ... epochs: {losses}).",
            f"- Its logits are divided by {report.temperature:.2f}, which was chosen on the validation part.",
            f"- {report.stored}",
        ]
    )


def _scores(report: Report) -> str:
    lines = [
        f"On the {report.own.rows} rows of the test part, by methods trained on the training part:",
        "",
        "| | accuracy | macro F1 | calibration error |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {each.accuracy:.3f} | {each.macro_f1:.3f} | {_error(each)} |"
        for name, each in report.scores.items()
    ]
    return "\n".join(
        [
            *lines,
            "",
            f"Two standard errors of this model's accuracy are {report.own.margin:.3f}: "
            "differences below that may be chance.",
        ]
    )


def _error(found: Scores) -> str:
    return "" if found.calibration_error is None else f"{found.calibration_error:.3f}"


def _thresholds(coverage: Sequence[Decided]) -> str:
    lines = [
        "Below a threshold a person decides. On the test part:",
        "",
        "| threshold | rows decided | share | of them right |",
        "|---|---|---|---|",
    ]
    for row in coverage:
        right = "" if row.accuracy is None else f"{row.accuracy:.3f}"
        lines.append(f"| {row.threshold:g} | {row.rows} | {row.share:.3f} | {right} |")
    lines += ["", "A threshold that was chosen from this table looks a little better in it than it will be."]
    return "\n".join(lines)


def _limits(report: Report) -> str:
    time = (
        "The test part is newer than the training part; how fast the score falls later was not measured."
        if report.columns.time
        else "The split is at random: what changes with time was not measured, and new rows may be harder."
    )
    return "\n".join(
        [
            "- The score is the agreement with the recorded labels. Where these are wrong, the model learns it, and is "
            "counted as wrong where it is right.",
            f"- {time}",
            "- The rows to be filled in may differ from those that somebody labeled; on them nothing was measured.",
            "- It knows only the classes below. A row of another one gets one of these, perhaps with confidence.",
            "- If a class is a person, its predictions hand out work. Whether some get more than their share, or the "
            "harder part, was not measured.",
        ]
    )


def _classes(report: Report) -> str:
    lines = ["| class | rows |", "|---|---|"]
    lines += [f"| {safe(label, LONG)} | {count} |" for label, count in list(report.classes.items())[:SHOWN]]
    more = len(report.classes) - SHOWN
    return "\n".join(lines) + (f"\n\nand {more} more, in labels.json." if more > 0 else "")
