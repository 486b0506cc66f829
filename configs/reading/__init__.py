"""Files that may be damaged, hostile, or held open by another program: read, renamed, deleted."""
