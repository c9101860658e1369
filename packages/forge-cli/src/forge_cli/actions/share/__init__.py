"""What the commands do of the section "Share"."""
