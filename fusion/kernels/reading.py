"""From the rows of a detection block to what the kernels take: values, variances, clutter density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.measurement import EAST, N_COMPONENTS, RANGE, TDOA
from messages.frames import F64

I64 = NDArray[np.int64]
LEAST_VAR = (1e-6, 1e-12, 1e-12, 1e-6, 1e-6, 1e-6, 1e-6, 1e-20)
"""1 mm, 1 microradian, 1 mm/s, 0.1 ns, by component. No sensor is better, and beside a track that is known to some
hundred metres the square of less is below what a double can hold."""


@jit
def read_rows(
    rows: F64, value_column: I64, sigma_column: I64, variance: F64, extent: F64, per_scan: float, paired: bool,
    keep: I64, z8: F64, var8: F64, located: F64, density: F64, used: NDArray[np.bool_],
) -> int:  # fmt: skip
    """Write the rows that measure anything at all, one after the other; return how many.

    rows (m, columns); value_column (8,), sigma_column (4,): where a component and its own sigma stand; variance (8,)
    of the sensor (NaN: it gives none, and without one a value cannot be weighed); extent (8,) of the
    field of view in each component; ``per_scan`` false detections in it. Writes keep (m,), the row
    each came from; z8, var8 (m, 8), NaN where missing; located (m,), 1 with a range or a place; density
    (m,) of clutter in the row's own components; used (8,).
    """
    count = 0
    for i in range(rows.shape[0]):
        volume, measured = 1.0, False
        for c in range(N_COMPONENTS):
            z, var = rows[i, value_column[c]], variance[c]
            if c < len(sigma_column):
                own = rows[i, sigma_column[c]]
                if not np.isnan(own):
                    var = own * own
            if np.isnan(var) or (c == TDOA and not paired):
                z = np.nan
            z8[count, c], var8[count, c] = z, max(var, LEAST_VAR[c]) if not np.isnan(var) else var
            if not np.isnan(z):
                measured = used[c] = True
                volume *= extent[c]
        if not measured:
            continue
        place = not np.isnan(z8[count, EAST])
        located[count] = 1.0 if place or not np.isnan(z8[count, RANGE]) else 0.0
        density[count] = per_scan / volume
        keep[count] = i
        count += 1
    return count
