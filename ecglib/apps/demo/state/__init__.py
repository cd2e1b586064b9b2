"""What the demo knows, without widgets."""
