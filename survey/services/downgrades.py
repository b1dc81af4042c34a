"""Confirmed events that a version would take less seriously: each is signed before that version is published."""
