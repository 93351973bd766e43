"""Storage definitions: the types, their hooks and probes, storage.cfg."""
