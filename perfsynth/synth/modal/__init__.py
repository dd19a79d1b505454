"""``modal``: a piano of modes, shaped noise and recorded attacks, analysed from a sampled one.

`tracking` finds the modes of each key, `envelopes` what all its layers have in common, `noise` what lies between
them; `fitting` turns that into the small tables of `model`, and `engine` plays them.
"""
