"""Listening tests: folders of audio -> a page that asks -> files of answers -> numbers.

``questions`` what is asked, ``samples`` the audio at one loudness, ``plan`` the trials, ``page`` and ``webmushra`` the
test to give to listeners; then ``answers`` what came back, ``exclusion`` whose answers count, ``statistics`` and
``agreement`` what they say, ``analysis`` all of it, ``table`` and ``plot`` how it is shown.
"""
