import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { get, serverNow } from '../lib/http';
import { keys } from '../lib/keys';
import { historyPath } from '../lib/queries';
import { quality } from '../lib/status';
import type { History } from '../lib/types';

const HOUR_MS = 3_600_000;
const POINTS = 60;
const BATCH = 40;

interface Asked {
  id: number;
  end: number;
  resolve: (history: History | null) => void;
  reject: (reason: unknown) => void;
}

let waiting: Asked[] = [];

/** Rows that come on screen together ask together: one request per 40 tags. */
async function flush(): Promise<void> {
  const all = waiting;
  waiting = [];
  for (let at = 0; at < all.length; at += BATCH) {
    const part = all.slice(at, at + BATCH);
    const end = Math.max(...part.map((a) => a.end));
    try {
      const body = await get<{ tags: History[] }>(historyPath(part.map((a) => a.id), end - HOUR_MS, end, POINTS));
      const found = new Map(body.tags.map((h) => [h.tag, h]));
      part.forEach((a) => a.resolve(found.get(a.id) ?? null));
    } catch (error) {
      part.forEach((a) => a.reject(error));
    }
  }
}

function lastHour(id: number, end: number): Promise<History | null> {
  return new Promise((resolve, reject) => {
    if (!waiting.length) setTimeout(() => void flush(), 60);
    waiting.push({ id, end, resolve, reject });
  });
}

function pathOf(history: History, low: number | null, high: number | null): string {
  const values = history.mean.filter((v): v is number => v !== null);
  const from = history.time_ms[0] ?? 0;
  const to = history.time_ms.at(-1) ?? 0;
  if (values.length < 2 || to <= from) return '';
  let min = Math.min(...values);
  let max = Math.max(...values);
  // A calm signal is drawn calm: never stretch less than 2 % of the range to the full height.
  const least = low !== null && high !== null ? (high - low) * 0.02 : Math.abs(max) * 0.002;
  if (max - min < least) [min, max] = [(min + max - least) / 2, (min + max + least) / 2];
  let path = '';
  let pen = 'M';
  history.time_ms.forEach((time, i) => {
    const value = history.mean[i] ?? null;
    if (value === null || quality(history.status[i] ?? 0) === 'bad') { pen = 'M'; return; }
    const x = (100 * (time - from)) / (to - from);
    const y = 22 - (20 * (value - min)) / (max - min || 1);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return path;
}

interface Props {
  id: number;
  low: number | null;
  high: number | null;
  /** End of the hour when the partition runs on a replay clock. */
  end?: number;
}

export function Sparkline({ id, low, high, end }: Props) {
  const { t } = useTranslation('common');
  const { data } = useQuery({
    queryKey: keys.spark(id), queryFn: () => lastHour(id, end ?? serverNow()), staleTime: 60_000, refetchInterval: 60_000,
  });
  return (
    <svg className="hw-spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={t('common:lastHour')}>
      {data ? <path d={pathOf(data, low, high)} /> : null}
    </svg>
  );
}
