"""One file per learning method, and the registry that selects one."""
