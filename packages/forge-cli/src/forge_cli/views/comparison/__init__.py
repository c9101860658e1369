"""Two calls or two runs beside each other as values; pure."""
