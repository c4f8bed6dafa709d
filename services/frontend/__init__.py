"""The edge that users reach."""
