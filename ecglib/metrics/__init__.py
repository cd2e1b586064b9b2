"""How good predictions are: pure functions from classes and probabilities to numbers and tables."""
