"""Checks and normalises the vectors a provider returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.errors import ModelRefused, ModelUnavailable
from core.ports import Vectors


def unit_vectors(rows: Sequence[npt.ArrayLike], *, expected: int, dimension: int, model: str) -> Vectors:
    """Return `rows` as float32 of shape (expected, dimension), L2-normalised.

    Raises `ModelRefused` when the model's vectors have another length than configured, `ModelUnavailable` when there
    are too few or too many of them or they hold no direction (all zero, or not numbers).
    """
    if len(rows) != expected:
        raise ModelUnavailable(model=model, detail=f"{len(rows)} vectors for {expected} texts")
    if not expected:
        return np.empty((0, dimension), dtype=np.float32)
    arrays = [np.asarray(row, dtype=np.float32) for row in rows]
    for array in arrays:
        if array.shape != (dimension,):
            raise ModelRefused(
                f"The model {model} makes vectors of {array.size} numbers, but {dimension} are configured.", model=model
            )
    vectors = np.stack(arrays)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ModelUnavailable(model=model, detail="a vector is zero or not a number")
    return np.asarray(vectors / lengths, dtype=np.float32)
