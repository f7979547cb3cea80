"""The composition root: opens the data folder, wires the rooms together, runs the server.

Here everything is put together and nothing is decided; each room stays usable without it.
"""
