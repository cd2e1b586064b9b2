"""From recordings to beats: finding them, cutting them, their rhythm."""
