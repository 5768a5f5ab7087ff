"""What a report looks at: a model of gbimb, any classifier, or the rows that a model held out."""
