"""What decisions serve: scores and costs, and the rule for each."""
