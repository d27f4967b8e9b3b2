"""Networks, each hand-built beside its torch twin. No training, no data."""
