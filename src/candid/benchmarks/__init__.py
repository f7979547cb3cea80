"""What `candid bench` measures on this machine: always beside a floor, in one run, with warm-up and medians.

An absolute time says little of a noisy machine; the ratio to the floor (the bare forward passes, FAISS's exact
index, the disk's fsync), measured in turns with it, says what Candid itself costs.
"""
