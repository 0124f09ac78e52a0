/** Alarms as marks on the time axis of a trend. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../../lib/http';
import type { Alarm, Page, Priority, Tag } from '../../lib/types';

export interface Mark {
  id: string;
  from: number;
  /** Null while it lasts. */
  to: number | null;
  priority: Priority;
  label: string;
  hollow?: boolean;
  href?: string;
  /** What makes it different from those beside it, in a word. */
  note?: string;
}

export interface Lane {
  id: string;
  label: string;
  marks: Mark[];
}

const PAGE = 500;
const PAGES = 6;
const REFRESH_MS = 30_000;

/** Alarms of these assets raised in the span or still standing in it, newest first, as far back as a few pages reach. */
export async function alarmsIn(assets: number[], from: number, to: number, signal: AbortSignal): Promise<Alarm[]> {
  const found: Alarm[] = [];
  let cursor = '';
  for (let page = 0; page < PAGES; page += 1) {
    const params = new URLSearchParams({ state: 'all', limit: String(PAGE), suppressed: 'show' });
    for (const id of assets) params.append('asset', String(id));
    if (cursor) params.set('cursor', cursor);
    const { items, next } = await get<Page<Alarm>>(`alarms?${params}`, signal);
    found.push(...items.filter((a) => a.raised_ms < to && (a.cleared_ms ?? Infinity) > from));
    if (!next || (items.at(-1)?.raised_ms ?? 0) < from) break;
    cursor = next;
  }
  return found;
}

/** Alarms whose evidence names one of the tags. The span is asked in whole steps, so that following does not ask each second. */
export function useAlarms(tags: Tag[], from: number, to: number, enabled: boolean): Alarm[] {
  const assets = [...new Set(tags.map((tag) => tag.asset))].sort((a, b) => a - b);
  const step = Math.max(REFRESH_MS, (to - from) / 20);
  const span = [Math.floor(from / step) * step, Math.ceil(to / step) * step] as const;
  const { data } = useQuery({
    queryKey: ['trend-alarms', assets, ...span], queryFn: ({ signal }) => alarmsIn(assets, ...span, signal),
    enabled: enabled && assets.length > 0, refetchInterval: REFRESH_MS, placeholderData: keepPreviousData,
  });
  const ids = new Set(tags.map((tag) => tag.id));
  return enabled ? (data ?? []).filter((a) => a.tags.some((id) => ids.has(id)) && a.raised_ms < to && (a.cleared_ms ?? Infinity) > from) : [];
}
