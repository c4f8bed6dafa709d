"""The room plays: bets on scenes, and the votes of its phones."""
