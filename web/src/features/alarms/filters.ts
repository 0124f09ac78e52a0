/** Filters of the alarm list, kept in the address so that a view can be sent to a colleague. */
import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import type { AlarmQuery } from '../../lib/keys';
import type { Alarm, Asset } from '../../lib/types';

export const STATES = ['open', 'active', 'unacked', 'all'] as const;

export const SUPPRESSED = ['hide', 'show', 'only'] as const;

export interface Filters {
  query: AlarmQuery;
  assetCode: string | null;
  text: string;
  open: string | null;
  set: (changes: Record<string, string | null>) => void;
}

export function useFilters(assets: Asset[] | undefined): Filters {
  const [params, setParams] = useSearchParams();
  const state = STATES.find((s) => s === params.get('state')) ?? 'open';
  const suppressed = SUPPRESSED.find((s) => s === params.get('suppressed')) ?? 'hide';
  const priorities = params.get('priority') ?? '';
  const assetCode = params.get('asset');
  const asset = assets?.find((a) => a.code === assetCode)?.id ?? null;
  const query = useMemo<AlarmQuery>(
    () => ({ state, priority: priorities.split(',').map(Number).filter((n) => n >= 1 && n <= 4), asset, suppressed }),
    [state, priorities, asset, suppressed],
  );
  const set = (changes: Record<string, string | null>) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      for (const [key, value] of Object.entries(changes)) {
        if (value) next.set(key, value);
        else next.delete(key);
      }
      return next;
    }, { replace: true });
  return { query, assetCode, text: params.get('q') ?? '', open: params.get('open'), set };
}

/** The text of the search box is looked for in what the row shows. */
export function matchesText(alarm: Alarm, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return true;
  const { title, asset, instance, condition } = alarm;
  return [title.zh, title.en, asset.code, asset.title.zh, asset.title.en, instance.code, condition]
    .some((s) => s.toLowerCase().includes(wanted));
}
