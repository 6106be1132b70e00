"""The benchmark of the tracking core: seeded scenes, our tracker and its peers side by side, one scoring code for all.

====================  =================================================================================================
``scenes``            truth and detections from physics and chance, without any code of the tracker or the simulator
``ours``              our tracker, fed directly through ``Tracker.step`` (a column: through the node's fixed lag)
``stone_soup``,       Stone Soup with pyehm's EHM2 and with global nearest neighbour: one radar; a column
``stone_soup_column``
``trial``             time a step, keep the tracks, score them with the code of ``vedette score``
``marginals``         exact association probabilities of one cluster, against pyehm
``filter_step``       one filter step of many tracks, against filterpy (``our_step`` calls our kernels)
``bench``             everything in one run; ``table`` and ``plots`` show it
====================  =================================================================================================

The peers are a development extra with a lock of its own: ``make peers``. Run it with ``vedette bench core``.
"""
