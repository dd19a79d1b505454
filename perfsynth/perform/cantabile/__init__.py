"""``cantabile``: the production model of the stage, score in, human-like performance out.

A score is read (`reading`: note and chord columns, what is written, harmony, repetition), heard by a small
bidirectional network (`network`), its curves are given their human size (`shaping`) and become keys and
pedals (`playing`). What mattered in its design is in docs/expression-trials.md.
"""
