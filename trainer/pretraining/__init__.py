"""How the seed was made: the text, what of it is left out, and the run. None of the text ships.

The seed is the small English base in `trainer/seed/` that a voice starts from. Whoever has the
same folder of public text makes it anew with `make seed DATA=FOLDER`.
"""
