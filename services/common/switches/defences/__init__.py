"""The defences, one small file each."""
