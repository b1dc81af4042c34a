"""All SQL of Daytwo: one module per noun, its table on top and every query on it below."""
