"""The code that the labs of the course import. Importing the package does no work.

Floors, each importing only from those below it (``tests/test_floors.py`` holds them):

0. ``device``, ``cost``, ``autograd``, ``checkpoint_files``, ``pretrained`` (where open checkpoints come from)
1. ``models`` (networks only), ``data`` (every maker takes a seed)
2. ``training``
3. ``decoding`` (writing with a trained network), ``triage`` (a tool that fills in a column of a database)
4. ``plots``, ``probes`` (looking into a network), ``quote``, ``experiments`` (the studies whose numbers a page quotes)
5. ``exercises``, ``widgets`` (never import torch), ``bench`` (how fast all this is)
"""

__version__ = "0.1.0"
