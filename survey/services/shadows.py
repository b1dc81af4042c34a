"""A candidate in shadow: it scores new responses beside the version in force, and is heard by nobody."""
