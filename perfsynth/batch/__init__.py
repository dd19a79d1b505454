"""Many items: the manifest that lists them, shards of it, claims on results, executors that run the work.

Nothing here knows a stage, and nothing prints. The command line joins it to the stages in one place.
"""
