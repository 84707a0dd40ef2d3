"""The device that trains, its memory and its precision."""
