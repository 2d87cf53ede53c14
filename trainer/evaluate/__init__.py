"""How good a model is, and how much it gives away: measures with intervals, floors, ceilings.

Each module measures one thing on texts or rows that it is handed; none opens a vault, and
none but `voices` and `membership` needs torch. `report` holds what they found.
"""
