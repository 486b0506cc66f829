"""The learning methods as the configuration sees them: settings and capabilities, without torch."""
