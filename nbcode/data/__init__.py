"""What the models learn from. Every maker takes a seed and returns the same data for the same seed."""
