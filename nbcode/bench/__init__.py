"""How fast the course's code is, measured beside others: ``python -m nbcode.bench``."""
