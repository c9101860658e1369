"""Activities: everything that a run does outside its workflow's own code."""
