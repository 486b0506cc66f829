"""Confidence intervals of a mean: Student's t distribution."""

import math


def confidence_half_width(deviation: float, count: int) -> float | None:
    """Half the width of the 95 % confidence interval of a mean.

    `deviation`: the sample standard deviation of `count` values. None for fewer than two values.
    """
    return student_t_quantile(count - 1) * deviation / math.sqrt(count) if count > 1 else None


def student_t_quantile(freedom: int, probability: float = 0.95) -> float:
    """The t with P(|T| <= t) = `probability`, for `freedom` degrees of freedom.

    Bisection of the finite sums over cosines in Abramowitz & Stegun 26.7.3 and 26.7.4.
    """

    def probability_within(t: float) -> float:
        angle = math.atan2(t, math.sqrt(freedom))
        sine, cosine = math.sin(angle), math.cos(angle)
        odd = freedom % 2
        term = cosine if odd else 1.0
        total = term if freedom > 1 else 0.0
        for k in range(3 if odd else 2, freedom - 1, 2):
            term *= (k - 1) / k * cosine**2
            total += term
        return (angle + sine * total) * 2.0 / math.pi if odd else sine * total

    low, high = 0.0, 1e3
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if probability_within(middle) < probability else (low, middle)
    return high
