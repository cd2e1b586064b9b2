"""The report on one recording."""
