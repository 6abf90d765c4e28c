"""Datasets: from events to streams, through the cache; opening.py says how to add one."""
