"""The formats that Daytwo reads and writes, mapped to the domain's values."""
