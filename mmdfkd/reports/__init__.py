"""Reading the logs of runs, and tables, charts and pages of them."""
