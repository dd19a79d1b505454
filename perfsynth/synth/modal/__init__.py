"""``modal``: a piano of partials, shaped noise and a coded attack, analysed from a sampled one.

`tracking` finds the partials of each key, `envelopes` how they and the noise between them decay, `fitting` turns
that into the small tables of `model`, and `engine` plays them.
"""
