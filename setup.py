from setuptools import setup

setup(cffi_modules=["eggroll_edge/_build_core.py:ffi"])
