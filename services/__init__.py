"""The lab's services: each folder is one container, and `common` is what they share."""
