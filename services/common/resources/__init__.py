"""Resources: what there is only so much of, and the queues before it."""
