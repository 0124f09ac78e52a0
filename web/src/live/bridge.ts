/** Brings live frames into the query cache and the value store, at once and without a debounce. */
import type { QueryKey } from '@tanstack/react-query';
import { queryClient } from '../lib/client';
import { keys, type AlarmQuery } from '../lib/keys';
import type { Alarm, AlarmDetail, AlarmSummary, Asset, AssetHealth, Page, SystemState } from '../lib/types';
import { LiveSocket, type Frame } from './socket';
import { valueStore } from './values';

/** Ids of an asset and everything below it. */
export function subtreeOf(assets: readonly Asset[], root: number): Set<number> {
  const children = Map.groupBy(assets, (a) => a.parent);
  const found = new Set<number>([root]);
  for (const id of found) for (const child of children.get(id) ?? []) found.add(child.id);
  return found;
}

/** Hidden by a first-out until the trip is over. */
export const isSuppressed = (alarm: Alarm): boolean => Boolean(alarm.suppressed_by) && !alarm.released_ms;

/** Ended itself, but its group still holds others back: nobody shall lose sight of what they are behind. */
export const isHolding = (alarm: Alarm): boolean => alarm.state === 'cleared' && alarm.group_active;

function matches(alarm: Alarm, query: AlarmQuery, assets: readonly Asset[]): boolean {
  if (query.state === 'open' && alarm.state === 'cleared' && !isHolding(alarm)) return false;
  if (query.state === 'active' && !alarm.state.endsWith('_active')) return false;
  if (query.state === 'unacked' && !alarm.state.startsWith('unacked')) return false;
  if (query.priority.length && !query.priority.includes(alarm.priority)) return false;
  if ((query.suppressed ?? 'hide') === 'hide' && isSuppressed(alarm) && !isHolding(alarm)) return false;
  if (query.suppressed === 'only' && !isSuppressed(alarm)) return false;
  return query.asset === null || (alarm.asset.id !== null && subtreeOf(assets, query.asset).has(alarm.asset.id));
}

export function mergeAlarms(old: Alarm[], changed: Alarm[], keep: (alarm: Alarm) => boolean): Alarm[] {
  const ids = new Set(changed.map((a) => a.id));
  const merged = [...changed.filter(keep), ...old.filter((a) => !ids.has(a.id))];
  return merged.sort((a, b) => b.raised_ms - a.raised_ms || (a.id < b.id ? 1 : -1));
}

/** Also used with the answer to an acknowledgement, so the row changes before the frame arrives. */
export function applyAlarms(items: Alarm[]): void {
  const assets = queryClient.getQueryData<Asset[]>(keys.assets) ?? [];
  for (const query of queryClient.getQueryCache().findAll({ queryKey: keys.alarmLists })) {
    const filter = (query.queryKey as QueryKey)[2] as AlarmQuery;
    queryClient.setQueryData<Page<Alarm>>(query.queryKey, (page) =>
      page && { ...page, items: mergeAlarms(page.items, items, (a) => matches(a, filter, assets)) });
  }
  for (const item of items) {
    const key = keys.alarm(String(item.id));
    if (!queryClient.getQueryData(key)) continue;
    queryClient.setQueryData<AlarmDetail>(key, (old) => old && { ...old, ...item });
    void queryClient.invalidateQueries({ queryKey: key });
  }
}

function applyHealth(items: AssetHealth[]): void {
  queryClient.setQueryData<AssetHealth[]>(keys.health, (old) => {
    if (!old) return items;
    const changed = new Map(items.map((h) => [h.asset, h]));
    const kept = old.map((h) => changed.get(h.asset) ?? h);
    const known = new Set(old.map((h) => h.asset));
    return [...kept, ...items.filter((h) => !known.has(h.asset))];
  });
}

function onFrame(frame: Frame): void {
  switch (frame.type) {
    case 'samples':
      return valueStore.apply(frame.rows);
    case 'alarms':
      return applyAlarms(frame.items);
    case 'summary':
      queryClient.setQueryData<AlarmSummary>(keys.summary, frame);
      return undefined;
    case 'health':
      return applyHealth(frame.items);
    case 'system':
      queryClient.setQueryData<SystemState>(keys.system, frame);
      return undefined;
    default:
      return undefined;
  }
}

function onConnected(again: boolean): void {
  if (!again) return;
  void queryClient.invalidateQueries({ queryKey: ['alarms'] });
  void queryClient.invalidateQueries({ queryKey: keys.health });
  valueStore.refetch(live.retained());
}

function onSessionEnded(): void {
  void queryClient.invalidateQueries({ queryKey: keys.session });
}

export const live = new LiveSocket(onFrame, onConnected, onSessionEnded);
