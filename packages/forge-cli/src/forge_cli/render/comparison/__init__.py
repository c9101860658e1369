"""What differs between two calls or two runs, as text and JSON; pure."""
