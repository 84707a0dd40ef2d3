"""Axis of a setting or a metric along a line, zero and what is missing apart."""

import math
from collections.abc import Iterable, Sequence

from dashboards.elements import theme
from dashboards.elements.colour import round_ticks, tick_text
from dashboards.elements.quantity import Quantity

_MOST_TICKS = 8
_GAP = 0.12  # of an axis: between its values and what stands apart
_LEAST_DECADES = 0.3
_TICK_GAP = 0.09  # of an axis: what a tick's text needs on a phone
_LONGEST_TICK = 10  # letters


class SettingAxis:
    """Places of the values of a quantity along a line, and its ticks.

    Numbers stand on a logarithmic scale where that is usual for the quantity and nothing is
    negative; zero then stands apart below them. Names stand side by side. What a trial does not
    have stands below everything.

    Args:
        quantity: Quantity that has the values.
        values: All numbers, or all names; None for what is missing.

    Attributes:
        is_log: True if the scale is logarithmic.
        is_few: True if each value has a tick of its own.
    """

    def __init__(self, quantity: Quantity, values: Iterable[float | str | None]) -> None:
        self._quantity = quantity
        distinct = set(values)
        self._names = sorted(value for value in distinct if isinstance(value, str))
        self._numbers = sorted(v for v in distinct if v is not None and not isinstance(v, str))
        positive = [number for number in self._numbers if number > 0]
        self.is_log = quantity.spans_decades and bool(positive) and self._numbers[0] >= 0
        self.is_few = bool(self._names) or len(self._numbers) <= _MOST_TICKS
        self._has_zero = self.is_log and self._numbers[0] == 0
        self._has_missing = None in distinct
        inner = positive if self.is_log else self._numbers
        if self._names:
            inner = [0.0, len(self._names) - 1.0]
        # Ends of the inner values, zero and missing apart.
        self._low, self._high = (inner[0], inner[-1]) if inner else (0.0, 0.0)

    def stand(self, value: float | str | None) -> float:
        """Return the place of a value, in the axis's own unit."""
        if isinstance(value, str):
            return float(self._names.index(value))
        if value is None:
            return self._below(1 + self._has_zero)
        return self._below(1) if self._has_zero and value == 0 else float(value)

    def break_at(self) -> float | None:
        """Between zero and the smallest positive value, where zero stands apart."""
        return math.sqrt(self._below(1) * self._low) if self._has_zero else None

    def beside(self, value: float | str | None, share: float) -> float:
        """Return a place beside a value, which is not to be covered.

        Args:
            value: The value.
            share: Share of the axis, to the right.
        """
        low, high = self._ends()
        width = (high - low) or 1.0
        if self.is_log:
            return self.stand(value) * 10 ** (share * width)
        return self.stand(value) + share * width

    def share(self, value: float | str | None) -> float:
        """Return the place of a value between the lowest one, at 0, and the highest, at 1."""
        low, high = self._ends()
        if low == high:
            return 0.5
        place = self.stand(value)
        return ((math.log10(place) if self.is_log else place) - low) / (high - low)

    def ticks(self) -> Sequence[tuple[float | str | None, str]]:
        """Values and short texts, from below: every value while they are few, else round ones."""
        inner: Sequence[float | str] = self._names or self._numbers
        if not self.is_few:
            ends = [self._low, self._high]
            marked = [self._low, (self._low + self._high) / 2, self._high]
            if self.is_log:
                fitting = (t for t in round_ticks(*ends) if len(t) <= _MOST_TICKS)
                marked = next(fitting, ends)
            inner = [0.0, *marked] if self._has_zero else marked
        ticks = [(value, cut_off(self._text(value), _LONGEST_TICK)) for value in inner]
        return [(None, "none"), *ticks] if self._has_missing else ticks

    def ticks_with_ends(self, gap: float) -> list[tuple[float, str]]:
        """Return places between 0 and 1 and texts: both ends, and the ticks between with room.

        Args:
            gap: Least distance between two of them.
        """
        ticks = [(self.share(value), text) for value, text in self.ticks()]
        ends = [v for v in (self._numbers[:1], self._numbers[-1:]) if v and not self._names]
        found = {self.share(v): cut_off(self._text(v), _LONGEST_TICK) for (v,) in ends}
        for place, text in ticks:
            if all(abs(place - other) >= gap for other in found):
                found[place] = text
        return sorted(found.items())

    def scale(self) -> dict[str, object] | None:
        """Return what turns a share back into a value; None of names and of a single place.

        Lowest and highest place, which are logarithms where `log` is true, and the share below
        which zero stands, None without one.
        """
        low, high = self._ends()
        if self._names or low == high:
            return None
        broken = self.break_at()
        zero = None if broken is None else (math.log10(broken) - low) / (high - low)
        return {"name": self._quantity.name, "low": low, "high": high, "log": self.is_log} | {
            "zero": zero
        }

    def layout(self) -> dict[str, object]:
        """A Plotly axis on which values stand where `stand` says."""
        ends = (self._below(self._has_zero), self._high)
        found = theme.axis(
            self._quantity.label, ends, log=self.is_log, counts=self._quantity.counts
        )
        if not self.is_few and not (self.is_log and not self._quantity.counts):
            return found  # Plotly marks it, and finer when a part of it is enlarged
        kept: list[tuple[float, str]] = []
        last = -1.0
        for value, text in self.ticks():
            if self.share(value) - last >= _TICK_GAP:
                last = self.share(value)
                kept.append((self.stand(value), theme.escape(text)))
        return found | {"tickvals": [x for x, _ in kept], "ticktext": [text for _, text in kept]}

    def _text(self, value: float | str) -> str:
        if isinstance(value, str):
            return value
        if self._quantity.counts:
            return tick_text(value)
        # Three digits, also of what has four elsewhere.
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    def _ends(self) -> tuple[float, float]:
        """Places of the lowest and the highest value; their logarithms where it has such."""
        ends = (self._below(self._has_zero + self._has_missing), self._high)
        low, high = map(math.log10, ends) if self.is_log else ends
        return low, high

    def _below(self, steps: int) -> float:
        """So many steps below the lowest value."""
        if self.is_log:
            step = max(_GAP * math.log10(self._high / self._low), _LEAST_DECADES)
            return self._low / 10 ** (steps * step)
        return self._low - steps * (_GAP * (self._high - self._low) or 1.0)


def cut_off(text: str, longest: int) -> str:
    """The beginning of a text.

    Args:
        text: Any.
        longest: Letters that there is room for.
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
