/** From pens to what uPlot draws: one x axis, nulls where there is no value, and the stretches of bad data. */
import uPlot from 'uplot';
import { quality } from '../../lib/status';
import type { Pen } from './pens';

type Column = (number | null | undefined)[];

const GAP_FACTOR = 5;
const LEAST_GAP_MS = 30_000;

function gapOf(pen: Pen): number {
  const steps: number[] = [];
  const stride = Math.max(1, Math.floor(pen.time.length / 200));
  for (let i = stride; i < pen.time.length; i += stride) {
    steps.push(((pen.time[i] ?? 0) - (pen.time[i - stride] ?? 0)) / stride);
  }
  steps.sort((a, b) => a - b);
  return Math.max(LEAST_GAP_MS, GAP_FACTOR * (steps[steps.length >> 1] ?? 0));
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
  const tables = pens.map(tableOf).filter((t) => t[0]?.length);
  if (!tables.length) return [[], ...pens.flatMap(() => [[], [], []])] as uPlot.AlignedData;
  const all = pens.map((pen) => (pen.time.length ? tableOf(pen) : [[0], [null], [null], [null]]));
  return uPlot.join(all as uPlot.AlignedData[]);
}

/** Stretches [from, to] in ms where a pen is bad or has no value. */
export function badStretches(pen: Pen): [number, number][] {
  const found: [number, number][] = [];
  let start: number | null = null;
  pen.time.forEach((time, i) => {
    const bad = quality(pen.status[i] ?? 0) === 'bad' || pen.mean[i] === null;
    if (bad && start === null) start = time;
    if (!bad && start !== null) {
      found.push([start, time]);
      start = null;
    }
  });
  if (start !== null) found.push([start, (pen.time.at(-1) ?? start) + 1000]);
  return found;
}
