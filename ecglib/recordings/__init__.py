"""ECG recordings: files in, samples, R peaks and signal quality out."""
