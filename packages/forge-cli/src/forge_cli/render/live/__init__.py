"""A run while it goes on: one frame of a screen, or lines of what is new; pure."""
