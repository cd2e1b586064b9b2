"""The notebooks run as a batch: parameters, profiles, checks, the record of a run."""
