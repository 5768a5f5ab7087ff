"""Training: the plan of held-out rows, boosting, checkpoints, bags."""
