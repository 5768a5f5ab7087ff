"""The automatic choice: candidates cross-fitted on the same folds, compared and blended."""
