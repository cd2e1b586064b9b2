"""The model for new patients, which compares each beat with its own patient's."""
