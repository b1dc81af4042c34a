"""Forms: what a page may send, read into plain values."""
