"""Measurements of Daytwo beside bare code that commits the same rows; nothing here is part of the product."""
