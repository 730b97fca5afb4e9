"""Gates: bounds on scores that a model must keep."""
