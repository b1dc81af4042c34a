"""What-if: a version held against every response so far, in parts that a worker takes up where the last one ended."""
