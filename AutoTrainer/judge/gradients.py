"""What gradients and weights say: plain measurements, and the symptoms read off them."""

from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from .configuration import Symptom
from .facts import GradientSummary

LARGE_WEIGHT = 1e3
"""Weights beyond this are reported as a feature; no verdict rests on it."""


def has_NaN(output: Any) -> bool:  # noqa: N802 - upstream's name
    """Whether anything in ``output`` (number, array or nested lists) is NaN or infinite.

    Args:
        output: a number, an array, or a list of arrays of any shapes.

    Returns:
        True if one entry is not finite.
    """
    if isinstance(output, (list, tuple)):
        return any(has_NaN(value) for value in output)
    return not bool(np.all(np.isfinite(np.asarray(output, dtype=float))))


def gradient_norm(gradient_list: Sequence[Any]) -> Tuple[List[float], List[float]]:
    """Euclidean norms of gradients, in their order.

    Args:
        gradient_list: arrays; those of two dimensions or more are of kernels.

    Returns:
        Those of the kernels, and those of the biases.
    """
    norms: Tuple[List[float], List[float]] = ([], [])
    for gradient in gradient_list:
        array = np.asarray(gradient, dtype=float)
        norms[array.ndim < 2].append(float(np.linalg.norm(array.ravel())))
    return norms


def gradient_zero_radio(gradient_list: Sequence[Any]) -> Tuple[float, List[float], List[float]]:
    """Shares of exact zeros in gradients (upstream's spelling).

    Args:
        gradient_list: arrays; those of two dimensions or more are of kernels.

    Returns:
        That of all entries of all gradients, those of the kernels, and those of the biases; 0.0
        where there is no entry.
    """
    zeros = total = 0
    shares: Tuple[List[float], List[float]] = ([], [])
    for gradient in gradient_list:
        array = np.asarray(gradient)
        found = int(np.count_nonzero(array == 0))
        zeros, total = zeros + found, total + array.size
        shares[array.ndim < 2].append(found / array.size if array.size else 0.0)
    return zeros / total if total else 0.0, shares[0], shares[1]


def gradient_message_summary(gradient_list: Sequence[Any]) -> GradientSummary:
    """Summarise gradients that are already on the host.

    The monitor itself never needs this: its probe summarises on the device. It is the door
    for arrays from elsewhere.

    Args:
        gradient_list: one array per trainable variable, in layer order.

    Returns:
        The summary; kernels are named ``kernel_0``, ``kernel_1``, ….
    """
    kernels, _ = gradient_norm(gradient_list)
    return GradientSummary(
        kernels=tuple(('kernel_%d' % i, norm) for i, norm in enumerate(kernels)),
        zero_share=gradient_zero_radio(gradient_list)[0],
        finite=not has_NaN(list(gradient_list)))


def silent_inputs(x: Any) -> Tuple[int, int]:
    """(inputs, how many of them are zero in every row) of a single array of inputs."""
    if not isinstance(x, np.ndarray):
        return 0, 0
    columns = x.reshape(len(x), -1)
    return columns.shape[1], int(np.count_nonzero(~columns.any(axis=0)))


def summarise_gradients(variables: Any, rows: np.ndarray, rectified: bool, seconds: float = 0.0,
                        silent: Tuple[int, int] = (0, 0)) -> GradientSummary:
    """From the probe's rows to the summary that the recognizer reads.

    Args:
        variables: (name, shape, belongs to an Embedding) of every trainable variable.
        rows: array of shape (variables, 5), see
            the gradient probe of an adapter (for Keras: ``gradient_statistics`` of its seam).
        rectified: whether the model has units that can die.
        seconds: what the measurement cost.
        silent: see :func:`silent_inputs`.

    Returns:
        The summary. What has no gradient because nothing came in says nothing of dead units and
        is left out of the zero share: Embeddings, for tokens that are not in the batch, and the
        rows of a first kernel whose inputs are zero in the whole batch.
    """
    counted = [(int(np.prod(shape)), row[1]) for (_, shape, embedded), row in zip(variables, rows)
               if not embedded]
    if variables and len(variables[0][1]) == 2 and variables[0][1][0] == silent[0] and counted:
        unfed = silent[1] * variables[0][1][1]
        counted[0] = (counted[0][0] - unfed, max(0, counted[0][1] - unfed))
    total = sum(size for size, _ in counted)
    return GradientSummary(
        kernels=tuple((name, float(row[0])) for (name, shape, _), row in zip(variables, rows)
                      if len(shape) >= 2),
        zero_shares=tuple(float(row[1]) / max(1, int(np.prod(shape)))
                          for (_, shape, _), row in zip(variables, rows) if len(shape) >= 2),
        zero_share=float(sum(zeros for _, zeros in counted) / total) if total else 0.0,
        finite=bool(np.all(rows[:, 2] == 1)),
        weights_finite=bool(np.all(rows[:, 4] == 1)),
        largest_weight=float(np.max(rows[:, 3])) if len(rows) else 0.0,
        rectified=rectified,
        seconds=seconds)


def gradient_issue(summary: GradientSummary, params: Mapping[str, float]) -> Dict[str, Symptom]:
    """Symptoms that the gradients on one probe batch show (paper, Table I), accuracy apart.

    Args:
        summary: the gradients, before clipping.
        params: thresholds, see ``DEFAULT_PARAMS``.

    Returns:
        For each of ``died_relu``, ``vanish_gradient``, ``explode_gradient``, ``nan_gradient``
        the reason in words, or None. Gradients that are all zero are a died ReLU where the model
        has units that can die, else vanished; a ratio over a last norm of zero says nothing.
    """
    found: Dict[str, Symptom] = dict.fromkeys(
        ('died_relu', 'vanish_gradient', 'explode_gradient', 'nan_gradient'))
    if not summary.finite:
        found['nan_gradient'] = 'a gradient is NaN or infinite'
        return found
    if summary.rectified and summary.zero_share >= params['gamma']:
        found['died_relu'] = ('share of zero gradients = %.3g ≥ γ = %g'
                              % (summary.zero_share, params['gamma']))
    if not summary.kernels:
        return found
    first, last = summary.kernels[0][1], summary.kernels[-1][1]
    if first == 0 and last == 0:
        found['vanish_gradient'] = '‖G1‖ = ‖Gn‖ = 0: no gradient arrives anywhere'
    elif last > 0:
        ratio = first / last
        if ratio <= params['beta_1'] and first <= params['beta_2']:
            found['vanish_gradient'] = ('‖G1‖/‖Gn‖ = %.3g ≤ β1 = %g and ‖G1‖ = %.3g ≤ β2 = %g'
                                        % (ratio, params['beta_1'], first, params['beta_2']))
        if ratio >= params['beta_3']:
            found['explode_gradient'] = ('‖G1‖/‖Gn‖ = %.3g ≥ β3 = %g'
                                         % (ratio, params['beta_3']))
    return found


def weights_issue(summary: GradientSummary) -> Dict[str, Symptom]:
    """Symptoms that the weights show: ``nan_weight``, ``large_weight``."""
    return {
        'nan_weight': None if summary.weights_finite else 'a weight is NaN or infinite',
        'large_weight': ('the largest weight is %.3g ≥ %g' % (summary.largest_weight, LARGE_WEIGHT)
                         if summary.largest_weight >= LARGE_WEIGHT else None),
    }
