"""Options of the commands of the section "Run"."""
