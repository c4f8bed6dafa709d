"""HTTP: problem documents, bodies that are checked, OpenAPI."""
