"""Daytwo on one machine: embedded PostgreSQL and Redis, and the process runner."""
