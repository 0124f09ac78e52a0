/** From pens to what uPlot draws: one x axis, nulls where there is no value, and the stretches that are not good. */
import uPlot from 'uplot';
import { quality, statusKey } from '../../lib/status';
import type { Pen } from './pens';

type Column = (number | null | undefined)[];

const GAP_FACTOR = 5;
const LEAST_GAP_MS = 30_000;

/** A silence longer than this [ms] is a gap: five usual steps, and never less than the tag may be silent. */
export function gapOf(pen: Pen, staleness = 0): number {
  const steps: number[] = [];
  const stride = Math.max(1, Math.floor(pen.time.length / 200));
  for (let i = stride; i < pen.time.length; i += stride) {
    steps.push(((pen.time[i] ?? 0) - (pen.time[i - stride] ?? 0)) / stride);
  }
  steps.sort((a, b) => a - b);
  return Math.max(LEAST_GAP_MS, staleness, GAP_FACTOR * (steps[steps.length >> 1] ?? 0));
}

/** One table per pen: seconds, min, max, mean. A silence longer than the usual step is a gap, not a line. */
function tableOf(pen: Pen): Column[] {
  const gap = gapOf(pen);
  const x: number[] = [];
  const columns: Column[] = [[], [], []];
  pen.time.forEach((time, i) => {
    const before = pen.time[i - 1];
    if (before !== undefined && time - before > gap) {
      x.push((before + 1) / 1000);
      columns.forEach((c) => c.push(null));
    }
    x.push(time / 1000);
    columns[0]?.push(pen.min[i] ?? null);
    columns[1]?.push(pen.max[i] ?? null);
    columns[2]?.push(pen.mean[i] ?? null);
  });
  return [x, ...columns];
}

export function chartData(pens: Pen[]): uPlot.AlignedData {
  if (!pens.some((pen) => pen.time.length)) return [[], ...pens.flatMap(() => [[], [], []])] as uPlot.AlignedData;
  const joined = uPlot.join(pens.map((pen) => (pen.time.length ? tableOf(pen) : [[0], [null], [null], [null]])) as uPlot.AlignedData[]);
  // Other pens have points inside a gap of this one: without a null at each of them uPlot would draw on from there.
  for (const column of joined.slice(1) as Column[]) {
    let gap = false;
    column.forEach((value, i) => {
      if (value !== undefined) gap = value === null;
      else if (gap) column[i] = null;
    });
  }
  return joined;
}

export type Doubt = 'bad' | 'uncertain' | 'none';

export interface Stretch {
  from: number;
  to: number;
  kind: Doubt;
}

function kindAt(pen: Pen, i: number): Doubt | null {
  const status = pen.status[i] ?? 0;
  const found = quality(status);
  if (statusKey(status) === 'noData' || (found !== 'bad' && pen.mean[i] === null)) return 'none';
  return found === 'good' ? null : found;
}

/** Stretches [from, to] in ms of a window that are bad, uncertain or without data; good is what remains. */
export function stretches(pen: Pen, from: number, to: number, staleness = 0): Stretch[] {
  const found: Stretch[] = [];
  const gap = gapOf(pen, staleness);
  const put = (a: number, b: number, kind: Doubt) => {
    const last = found.at(-1);
    if (last && last.kind === kind && a <= last.to) last.to = Math.max(last.to, b);
    else if (b > a) found.push({ from: a, to: b, kind });
  };
  if (!pen.time.length) return to > from ? [{ from, to, kind: 'none' }] : [];
  const first = pen.time[0] ?? from;
  if (first - from > gap) put(from, first, 'none');
  pen.time.forEach((time, i) => {
    const next = pen.time[i + 1] ?? Math.max(time, to);
    const kind = kindAt(pen, i);
    const silent = next - time > gap;
    if (kind) put(time, silent ? time + Math.min(gap, 1000) : next, kind);
    if (silent) put(time + (kind ? Math.min(gap, 1000) : 0), next, 'none');
  });
  return found.filter((s) => s.to > from && s.from < to);
}
