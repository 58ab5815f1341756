"""One module for each row of the report: what it measures, beside what, and what the goals are."""
