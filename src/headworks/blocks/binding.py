"""How a tag becomes an input of a model."""

from __future__ import annotations

from headworks.blocks.spec import Input, Param, block


@block(family="binding", zh="测点接入", internal=True)
class Load:
    """A port of a model: the value of its tag in the unit the model computes in.

    Parameters
    ----------
    gain : float [1]
        From the tag's unit to the port's.
    offset : float [unit(port)]
        Added after the gain.

    Inputs
    ------
    x : value [unit(tag)], NaN = bad: the output is NaN. A value with a bad status is NaN too.

    Returns
    -------
    value [unit(port)]

    Notes
    -----
    x · gain + offset. A result that is not finite is bad.

    References
    ----------
    .. [1] BIPM, The International System of Units, 9th edition (2019), chapters 4 and 5 (units and their values).
    """

    inputs = (Input("x"),)
    params = (Param("gain", default=1.0), Param("offset", default=0.0))
    output = "value"
    bad = "propagate"

    @staticmethod
    def step(x: float, gain: float, offset: float) -> tuple[float]:
        return (x * gain + offset,)
