"""The failures, one small file each."""
