/** The points of the pens of a trend: history from the server, then every live sample after it. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { historyQuery } from '../../lib/queries';
import { quality } from '../../lib/status';
import type { History, SampleRow } from '../../lib/types';
import { live } from '../../live/bridge';
import { valueStore } from '../../live/values';

export interface Pen {
  id: number;
  time: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  status: number[];
}

export const POINTS = 800;
const REDRAW_MS = 250;
const MAX_TAIL = 5000;

function penOf(id: number, history: History | undefined, tail: readonly SampleRow[]): Pen {
  const pen: Pen = history
    ? { id, time: [...history.time_ms], min: [...history.min], max: [...history.max], mean: [...history.mean], status: [...history.status] }
    : { id, time: [], min: [], max: [], mean: [], status: [] };
  const last = pen.time.at(-1) ?? -Infinity;
  for (const [, time, value, status] of tail) {
    if (time <= last) continue;
    const shown = quality(status) === 'bad' ? null : value;
    pen.time.push(time);
    pen.min.push(shown);
    pen.max.push(shown);
    pen.mean.push(shown);
    pen.status.push(status);
  }
  return pen;
}

/** Live samples of the pens, redrawn at most four times a second. */
function useTail(ids: readonly number[], on: boolean): { tails: Map<number, SampleRow[]>; version: number } {
  const tails = useRef(new Map<number, SampleRow[]>());
  const [version, setVersion] = useState(0);
  const key = ids.join();
  useEffect(() => {
    if (!on) return undefined;
    const wanted = key ? key.split(',').map(Number) : [];
    const buffer = new Map<number, SampleRow[]>(wanted.map((id) => [id, tails.current.get(id) ?? []]));
    tails.current = buffer;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const release = live.retain(wanted);
    const stop = valueStore.stream((rows) => {
      let changed = false;
      for (const row of rows) {
        const tail = buffer.get(row[0]);
        if (!tail || row[1] <= (tail.at(-1)?.[1] ?? -Infinity)) continue;
        tail.push(row);
        if (tail.length > MAX_TAIL) tail.splice(0, tail.length - MAX_TAIL);
        changed = true;
      }
      if (!changed) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        setVersion((v) => v + 1);
      }, REDRAW_MS);
    });
    return () => {
      clearTimeout(timer);
      release();
      stop();
    };
  }, [key, on]);
  return { tails: tails.current, version };
}

/**
 * Pens of the window [from, to]. With `follow` the window's history is that of the last anchor and live samples are
 * put after it; the page moves the anchor now and then, so that an old tail is replaced by properly reduced history.
 */
export function usePens(ids: number[], from: number, to: number, follow: boolean) {
  const query = useQuery({
    ...historyQuery(ids, from, to, POINTS), enabled: ids.length > 0, placeholderData: keepPreviousData,
  });
  const { tails, version } = useTail(ids, follow);
  const pens = useMemo(() => {
    const found = new Map(query.data?.map((h) => [h.tag, h]));
    return ids.map((id) => penOf(id, found.get(id), follow ? (tails.get(id) ?? []) : []));
    // `version` stands for the content of `tails`, which is changed in place.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [query.data, ids, follow, version]);
  return { pens, query };
}

/** Index of the last point at or before a time, -1 before the first. */
export function indexAt(pen: Pen, time: number): number {
  let low = 0;
  let high = pen.time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pen.time[middle] ?? Infinity) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
