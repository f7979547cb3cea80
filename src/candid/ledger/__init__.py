"""The transparency log, a library usable alone. It imports nothing else of Candid."""
