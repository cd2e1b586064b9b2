"""Classify every recording of an archive, on this machine or a cluster."""
