"""The proof of a protocol: its whole meaning as decision diagrams, and the checks that are made on them."""

from survey.proof.verifier import verify

__all__ = ["verify"]
