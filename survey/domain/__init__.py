"""What the product decides: plain values and plain functions, standard library only."""
