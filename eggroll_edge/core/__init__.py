"""The C core as Python sees it: configurations, nets, recordings, populations, worker threads."""
