"""The same inputs through every target; where the integers differ is told."""
