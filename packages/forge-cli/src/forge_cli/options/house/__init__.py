"""Options of the commands of the section "Keep house"."""
