"""The pages, over HTTP: parse, call a service, respond."""
