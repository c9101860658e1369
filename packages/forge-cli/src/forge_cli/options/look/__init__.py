"""Options of the commands of the section "Look"."""
