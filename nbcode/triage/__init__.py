"""Fill in a column of a table: a model learns from the rows where it is filled, and predicts the others.

    python -m nbcode.triage fit --database sqlite:///requirements.db --table requirement \\
        --text title,description --label sub_technical_pm --key req_id --checkpoint all-MiniLM-L6-v2 --out model/
    python -m nbcode.triage predict --database sqlite:///requirements.db --table requirement \\
        --text title,description --label sub_technical_pm --key req_id --model model/

Predictions go to columns of their own. The same from Python::

    table = open_table("sqlite:///requirements.db", "requirement", columns)
    print(fit(table, "all-MiniLM-L6-v2", "model/"))
    print(predict(table, load_predictor("model/", columns)))
"""

from nbcode.triage.columns import Columns, TableError, TriageWarning
from nbcode.triage.demo import demo
from nbcode.triage.evaluate import Evaluation, evaluate
from nbcode.triage.fit import fit
from nbcode.triage.model_folder import load_predictor
from nbcode.triage.opening import open_table
from nbcode.triage.plan import Plan
from nbcode.triage.predict import Policy, Summary, predict
from nbcode.triage.predictor import Predictor
from nbcode.triage.report import Report
from nbcode.triage.scores import Decided, Scores
from nbcode.triage.table import Prediction, Record, Table

__all__ = [
    "Columns",
    "Decided",
    "Evaluation",
    "Plan",
    "Policy",
    "Prediction",
    "Predictor",
    "Record",
    "Report",
    "Scores",
    "Summary",
    "Table",
    "TableError",
    "TriageWarning",
    "demo",
    "evaluate",
    "fit",
    "load_predictor",
    "open_table",
    "predict",
]
