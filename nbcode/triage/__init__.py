"""Fill in a column of a table: a model learns from the rows where it is filled, and predicts the others.

    python -m nbcode.triage predict --database sqlite:///requirements.db --table requirement \\
        --text title,description --label sub_technical_pm --key req_id --model model/

Predictions go to columns of their own. The same from Python: ``predict(open_table(...), predictor)``.
"""

from nbcode.triage.columns import Columns, TableError
from nbcode.triage.opening import open_table
from nbcode.triage.predict import Policy, Summary, predict
from nbcode.triage.predictor import Predictor
from nbcode.triage.table import Prediction, Record, Table

__all__ = [
    "Columns",
    "Policy",
    "Prediction",
    "Predictor",
    "Record",
    "Summary",
    "Table",
    "TableError",
    "open_table",
    "predict",
]
