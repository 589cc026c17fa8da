"""Runs on record: which receiver ran, when, how it went, who caused it."""
