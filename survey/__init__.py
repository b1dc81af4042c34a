"""Daytwo: the survey two days after a procedure, its score, and the page that cannot be lost."""
