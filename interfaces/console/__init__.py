"""Standard streams and Ctrl-C of every command, before and after its modules are loaded."""
