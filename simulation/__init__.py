"""A discrete-event simulation of the lab: it plays a scene's file in a second, and predicts its numbers."""
