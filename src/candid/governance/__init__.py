"""Customers and their keys; later also ownership, screening, moratoria and the decision."""
