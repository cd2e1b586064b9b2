"""Annotated beats from MIT-BIH: where they come from and how they are split."""
