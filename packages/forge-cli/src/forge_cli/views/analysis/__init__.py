"""What made a run take its time and its tokens; pure."""
