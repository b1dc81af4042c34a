"""Ninety invented days of a clinic, for the demo: people, answers, stories, alerts, and the rows that they make."""
