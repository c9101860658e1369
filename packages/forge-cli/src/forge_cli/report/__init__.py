"""A run as one self-contained HTML page, for somebody who was not there.

See D93.
"""
