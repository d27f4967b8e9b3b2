"""What changes the parameters of a model."""
