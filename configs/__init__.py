"""Every setting Yume has: the schema, the loader and the YAML presets."""
