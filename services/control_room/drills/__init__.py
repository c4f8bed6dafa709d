"""Game days: a hidden fault from a deck of cards, and how fast the room finds it and helps its users."""
