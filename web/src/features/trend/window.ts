/** The time window of a trend, kept in the address: `range=1h` follows the clock, `from` and `to` stand still. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';

export const RANGES = { '10m': 600_000, '1h': 3_600_000, '8h': 28_800_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 };
export type Range = keyof typeof RANGES;

const DEFAULT: Range = '1h';
const LEAST_MS = 2000;
const MIN_ANCHOR_MS = 15_000;
const YEAR_MS = 366 * 86_400_000;

export interface Window {
  follow: boolean;
  range: Range | null;
  /** The history to ask for. */
  asked: { from: number; to: number };
  /** What the axis shows; moves with the clock while following. */
  shown: { from: number; to: number };
  setRange: (range: Range) => void;
  setSpan: (from: number, to: number) => void;
  zoomOut: () => void;
  shift: (part: number) => void;
}

/** `now`: the time the first pen's partition has reached. */
export function useWindow(now: number): Window {
  const [params, setParams] = useSearchParams();
  const fixedFrom = Number(params.get('from')) || null;
  const fixedTo = Number(params.get('to')) || null;
  const follow = fixedFrom === null || fixedTo === null || fixedTo <= fixedFrom;
  const named = params.get('range');
  const range: Range = named !== null && named in RANGES ? (named as Range) : DEFAULT;
  const length = RANGES[range];
  const [anchor, setAnchor] = useState(now);
  const step = Math.max(MIN_ANCHOR_MS, length / 60);

  useEffect(() => {
    // Also after a jump of a replay clock, in either direction.
    if (follow && (now - anchor > step || now < anchor - step)) setAnchor(now);
  }, [now, anchor, step, follow]);

  const update = useCallback((changes: Record<string, string | null>) => {
    setParams((old) => {
      const next = new URLSearchParams(old);
      for (const [key, value] of Object.entries(changes)) {
        if (value === null) next.delete(key);
        else next.set(key, value);
      }
      return next;
    });
  }, [setParams]);

  const shown = useMemo(
    () => (follow ? { from: now - length, to: now } : { from: fixedFrom ?? 0, to: fixedTo ?? 0 }),
    [follow, now, length, fixedFrom, fixedTo],
  );
  const asked = useMemo(
    () => (follow ? { from: anchor - length, to: anchor } : { from: fixedFrom ?? 0, to: fixedTo ?? 0 }),
    [follow, anchor, length, fixedFrom, fixedTo],
  );
  const setSpan = (from: number, to: number) => {
    const middle = (from + to) / 2;
    const half = Math.min(YEAR_MS, Math.max(LEAST_MS, to - from)) / 2;
    update({ from: String(Math.round(middle - half)), to: String(Math.round(middle + half)), range: null });
  };
  const span = shown.to - shown.from;
  return {
    follow, range: follow ? range : null, asked, shown, setSpan,
    setRange: (r) => update({ range: r, from: null, to: null }),
    zoomOut: () => setSpan(shown.from - span / 2, shown.to + span / 2),
    shift: (part) => setSpan(shown.from + span * part, shown.to + span * part),
  };
}
