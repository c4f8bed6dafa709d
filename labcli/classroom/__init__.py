"""A class: a lab for each team, and what the trainer does with all of them."""
