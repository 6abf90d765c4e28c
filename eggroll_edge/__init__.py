"""EGGROLL-Edge."""
