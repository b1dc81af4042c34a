"""The tests. A package by name, since a library that we use installs one called `tests` as well."""
