"""One file for each format that a recording may come in."""
