"""CMA-ES for the linear controller of World Models."""
