/** What a backtest found, laid beside what was raised live. */
import { formatDateTime, titleOf } from '../../lib/format';
import type { Priority, Title } from '../../lib/types';
import type { Lane } from '../trend/marks';

export interface Found {
  /** Id of the model. */
  model: number;
  code: string;
  condition: string;
  title: Title;
  priority: Priority;
  raised_ms: number;
  cleared_ms: number | null;
  value: number | null;
}

export interface Result {
  models: { id: number; code: string }[];
  from_ms: number;
  to_ms: number;
  ticks: number;
  lead_ticks: number;
  evaluations: number;
  elapsed_s: number;
  /** Why there was nothing to compute; null where there was. */
  empty?: { code: string; params: Record<string, unknown>; text: string } | null;
  alarms: Found[];
  alarms_total: number;
  /** The lists may be cut; the totals are not. */
  compare: { same: number; only_backtest: Found[]; only_live: Found[]; only_backtest_total?: number; only_live_total?: number };
}

export type Match = 'same' | 'only_backtest' | 'only_live' | 'unknown';

export interface Row extends Found {
  match: Match;
}

const keyOf = (f: Found): string => `${f.model}|${f.condition}|${f.raised_ms}`;

/** Every alarm once, in order of time, with where it was raised. */
export function rowsOf(result: Result): Row[] {
  const { only_backtest: listed, only_backtest_total: total } = result.compare;
  const only = new Set(listed.map(keyOf));
  // What came after the end of a list that was cut may belong to either side.
  const known = total !== undefined && total > listed.length ? Math.max(0, ...listed.map((a) => a.raised_ms)) : Infinity;
  const matchOf = (a: Found): Match => (only.has(keyOf(a)) ? 'only_backtest' : a.raised_ms > known ? 'unknown' : 'same');
  const own = result.alarms.map((a): Row => ({ ...a, match: matchOf(a) }));
  const live = result.compare.only_live.map((a): Row => ({ ...a, match: 'only_live' }));
  return [...own, ...live].sort((a, b) => a.raised_ms - b.raised_ms || (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Two rows of marks for the chart: what the backtest raised, and what was raised live. */
export function lanesOf(rows: Row[], words: (name: 'backtest' | 'live' | Match) => string): Lane[] {
  const mark = (row: Row, lane: string) => ({
    id: `${lane}|${keyOf(row)}`, from: row.raised_ms, to: row.cleared_ms, priority: row.priority, label: `${row.code} ${titleOf(row.title)}`,
    hollow: row.match === 'same', note: words(row.match),
  });
  return [
    { id: 'backtest', label: words('backtest'), marks: rows.filter((r) => r.match !== 'only_live').map((r) => mark(r, 'backtest')) },
    { id: 'live', label: words('live'), marks: rows.filter((r) => r.match === 'same' || r.match === 'only_live').map((r) => mark(r, 'live')) },
  ];
}

export function csvRows(rows: Row[], head: string[], words: (match: Match) => string): (string | number | null)[][] {
  return [head, ...rows.map((r) => [
    r.code, r.condition, titleOf(r.title), r.priority, formatDateTime(r.raised_ms), r.cleared_ms === null ? '' : formatDateTime(r.cleared_ms), r.value, words(r.match),
  ])];
}
