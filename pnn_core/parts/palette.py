"""Colours of pictures.

The Okabe-Ito palette is made for eyes that see fewer colours (Okabe and Ito 2008, Color Universal
Design); the grey is seen on white and on black.
"""

ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILION, PURPLE, GREY = "#0072b2", "#d55e00", "#cc79a7", "#808080"

SERIES_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY)
"""Colours of what is told apart by name, in this order; each beside a symbol, a dash or words."""
