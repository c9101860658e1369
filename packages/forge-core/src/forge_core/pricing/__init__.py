"""What requests to models cost, for whoever asks: a run's budget, or a command that shows it."""
