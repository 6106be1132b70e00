"""GOSPA and OSPA by trying every assignment: slow and obvious, sharing no code with the metric."""

from __future__ import annotations

from itertools import combinations, permutations

Point = tuple[float, float, float]


def distance(a: Point, b: Point) -> float:
    return sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) ** 0.5


def gospa(truth: list[Point], tracks: list[Point], c: float) -> float:
    """Definition with assignment sets of any size (Rahmathullah 2017, proposition 1): p = 2, alpha = 2."""
    best = float("inf")
    for size in range(min(len(truth), len(tracks)) + 1):
        for chosen in combinations(range(len(truth)), size):
            for order in permutations(range(len(tracks)), size):
                pairs = sum(distance(truth[i], tracks[j]) ** 2 for i, j in zip(chosen, order, strict=True))
                best = min(best, pairs + c**2 / 2.0 * (len(truth) + len(tracks) - 2 * size))
    return best**0.5


def ospa(truth: list[Point], tracks: list[Point], c: float) -> float:
    few, many = sorted((truth, tracks), key=len)
    if not many:
        return 0.0
    best = min(
        sum(min(distance(a, many[j]), c) ** 2 for a, j in zip(few, order, strict=True))
        for order in permutations(range(len(many)), len(few))
    )
    return ((best + c**2 * (len(many) - len(few))) / len(many)) ** 0.5
