"""Which calls spans and events tell of, and what is known of each."""
