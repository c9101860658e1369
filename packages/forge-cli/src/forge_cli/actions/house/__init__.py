"""What the commands do of the section "Keep house"."""
