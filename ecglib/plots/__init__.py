"""One function a figure; each takes data and returns the figure."""
