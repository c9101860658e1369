"""A model server that is real: llama.cpp's own, with a model that the tests make.

See D88.
"""
