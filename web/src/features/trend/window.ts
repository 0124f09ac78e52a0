/** The time window of a trend, kept in the address: `range=1h` follows the clock, `from` and `to` stand still. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { addressNow } from './state';

export const RANGES = {
  '15m': 900_000, '1h': 3_600_000, '4h': 14_400_000, '8h': 28_800_000, '24h': 86_400_000, '3d': 259_200_000, '7d': 604_800_000, '30d': 2_592_000_000,
};
export type Range = keyof typeof RANGES;

const DEFAULT: Range = '1h';
const LEAST_MS = 2000;
const MIN_ANCHOR_MS = 15_000;
const YEAR_MS = 366 * 86_400_000;
/** A wheel or a drag that stopped for this long is done: the address and the history follow. */
const SETTLE_MS = 250;

export interface Span {
  from: number;
  to: number;
}

export interface Window {
  follow: boolean;
  range: Range | null;
  /** The history to ask for. */
  asked: Span;
  /** What the axis shows; moves with the clock while following, and with the hand while it pans or zooms. */
  shown: Span;
  setRange: (range: Range) => void;
  setSpan: (from: number, to: number) => void;
  /** Moves what is shown at once, and the address when the hand rests. */
  move: (from: number, to: number) => void;
  zoomOut: () => void;
  shift: (part: number) => void;
}

function clamp(from: number, to: number): Span {
  const middle = (from + to) / 2;
  const half = Math.min(YEAR_MS, Math.max(LEAST_MS, to - from)) / 2;
  return { from: Math.round(middle - half), to: Math.round(middle + half) };
}

/** `now`: the time the first pen's partition has reached. `fallback`: what an address without a window shows. */
export function useWindow(now: number, fallback?: Span): Window {
  const [params, setParams] = useSearchParams();
  const named = params.get('range');
  const given = { from: Number(params.get('from')), to: Number(params.get('to')) };
  const fixed = given.from > 0 && given.to > given.from ? given : named === null ? (fallback ?? null) : null;
  const follow = fixed === null;
  const range: Range = named !== null && named in RANGES ? (named as Range) : DEFAULT;
  const length = RANGES[range];
  const [anchor, setAnchor] = useState(now);
  const [moving, setMoving] = useState<Span | null>(null);
  const settle = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const step = Math.max(MIN_ANCHOR_MS, length / 60);
  const from = fixed?.from ?? null;
  const to = fixed?.to ?? null;

  useEffect(() => {
    // Also after a jump of a replay clock, in either direction.
    if (follow && (now - anchor > step || now < anchor - step)) setAnchor(now);
  }, [now, anchor, step, follow]);
  useEffect(() => setMoving(null), [from, to, range, follow]);
  useEffect(() => () => clearTimeout(settle.current), []);

  const update = useCallback((changes: Record<string, string | null>, replace = false) => {
    clearTimeout(settle.current);
    const next = addressNow();
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) next.delete(key);
      else next.set(key, value);
    }
    setParams(next, { replace });
  }, [setParams]);

  const still = useMemo(
    () => (from === null || to === null ? { from: now - length, to: now } : { from, to }), [now, length, from, to],
  );
  const asked = useMemo(
    () => (from === null || to === null ? { from: anchor - length, to: anchor } : { from, to }), [anchor, length, from, to],
  );
  const shown = moving ?? still;
  const setSpan = (a: number, b: number, replace = false) => {
    const span = clamp(a, b);
    update({ from: String(span.from), to: String(span.to), range: null }, replace);
  };
  const move = (a: number, b: number) => {
    const span = clamp(a, b);
    setMoving(span);
    clearTimeout(settle.current);
    settle.current = setTimeout(() => setSpan(span.from, span.to, true), SETTLE_MS);
  };
  const span = shown.to - shown.from;
  return {
    follow: follow && !moving, range: follow && !moving ? range : null, asked, shown, move,
    setSpan: (a, b) => setSpan(a, b),
    setRange: (r) => { setMoving(null); update({ range: r, from: null, to: null }); },
    zoomOut: () => setSpan(shown.from - span / 2, shown.to + span / 2),
    shift: (part) => setSpan(shown.from + span * part, shown.to + span * part),
  };
}
