"""Calling models: providers over the network, scripted models, their failures."""
