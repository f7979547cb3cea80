"""The AWS protocol: SigV4, JSON 1.1 driven by the service model, errors, the ASGI application."""
