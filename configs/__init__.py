"""Every setting of Yume: the schema, the loader and the YAML presets."""
