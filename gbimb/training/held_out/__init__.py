"""Which rows are held out: folds, groups, times, and rows that a user gives."""
