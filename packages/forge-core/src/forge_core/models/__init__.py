"""Values that travel between the command line, workflows, activities and the model."""
