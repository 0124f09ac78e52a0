/** Query factories: what is asked, under which key, and how long it stays fresh. */
import { queryOptions } from '@tanstack/react-query';
import { get } from './http';
import { keys, type AlarmQuery } from './keys';
import type {
  Alarm, AlarmDetail, AlarmSummary, Asset, AssetHealth, History, Manifest, Model, Page, Session, SystemState, Tag,
} from './types';

const LONG = 5 * 60_000;
export const ALARM_PAGE = 200;
const TAG_PAGE = 1000;

export const sessionQuery = () =>
  queryOptions({ queryKey: keys.session, queryFn: ({ signal }) => get<Session>('session', signal), staleTime: Infinity });

export const assetsQuery = () =>
  queryOptions({
    queryKey: keys.assets,
    queryFn: async ({ signal }) => (await get<Page<Asset>>('assets', signal)).items,
    staleTime: LONG,
  });

export const healthQuery = () =>
  queryOptions({
    queryKey: keys.health,
    queryFn: async ({ signal }) => (await get<Page<AssetHealth>>('health/assets', signal)).items,
    refetchInterval: 60_000,
  });

export const systemQuery = () =>
  queryOptions({
    queryKey: keys.system,
    queryFn: ({ signal }) => get<SystemState>('system', signal),
    refetchInterval: 30_000,
  });

export const modelsQuery = () =>
  queryOptions({ queryKey: keys.models, queryFn: async ({ signal }) => (await get<Page<Model>>('models', signal)).items });

export const manifestQuery = () =>
  queryOptions({ queryKey: keys.manifest, queryFn: ({ signal }) => get<Manifest>('manifest', signal), staleTime: LONG });

export const summaryQuery = () =>
  queryOptions({
    queryKey: keys.summary,
    queryFn: ({ signal }) => get<AlarmSummary>('alarms/summary', signal),
    refetchInterval: 30_000,
  });

export function alarmsPath(query: AlarmQuery, cursor?: string): string {
  const params = new URLSearchParams({ state: query.state, limit: String(ALARM_PAGE) });
  for (const p of query.priority) params.append('priority', String(p));
  if (query.asset !== null) params.set('asset', String(query.asset));
  if (query.suppressed && query.suppressed !== 'hide') params.set('suppressed', query.suppressed);
  if (cursor) params.set('cursor', cursor);
  return `alarms?${params}`;
}

/** What a first-out suppresses. */
export const hiddenAlarmsQuery = (cause: string) =>
  queryOptions({
    queryKey: keys.hidden(cause),
    queryFn: async ({ signal }) =>
      (await get<Page<Alarm>>(`alarms?cause=${cause}&state=all&suppressed=show&limit=${ALARM_PAGE}`, signal)).items,
    refetchInterval: 10_000,
  });

export const alarmsQuery = (query: AlarmQuery) =>
  queryOptions({
    queryKey: keys.alarmList(query),
    queryFn: ({ signal }) => get<Page<Alarm>>(alarmsPath(query), signal),
    refetchInterval: 60_000,
  });

export const alarmQuery = (id: string) =>
  queryOptions({ queryKey: keys.alarm(id), queryFn: ({ signal }) => get<AlarmDetail>(`alarms/${id}`, signal) });

/** All tags of an asset and what is below it, page after page. */
async function allTags(asset: number | null, q: string, signal: AbortSignal): Promise<Tag[]> {
  const tags: Tag[] = [];
  for (;;) {
    const params = new URLSearchParams({ subtree: '1', limit: String(TAG_PAGE), offset: String(tags.length) });
    if (asset !== null) params.set('asset', String(asset));
    if (q) params.set('q', q);
    const page = await get<Page<Tag>>(`tags?${params}`, signal);
    tags.push(...page.items);
    if (!page.items.length || tags.length >= (page.total ?? 0)) return tags;
  }
}

export const tagsQuery = (asset: number | null, q = '') =>
  queryOptions({ queryKey: keys.tags(asset, q), queryFn: ({ signal }) => allTags(asset, q, signal), staleTime: LONG });

export const tagQuery = (id: number) =>
  queryOptions({ queryKey: keys.tag(id), queryFn: ({ signal }) => get<Tag>(`tags/${id}`, signal), staleTime: LONG });

export function historyPath(ids: number[], from: number, to: number, points: number): string {
  return `history?tags=${ids.join(',')}&from=${Math.round(from)}&to=${Math.round(to)}&points=${points}`;
}

export const historyQuery = (ids: number[], from: number, to: number, points: number) =>
  queryOptions({
    queryKey: keys.history(ids, from, to, points),
    queryFn: async ({ signal }) => (await get<{ tags: History[] }>(historyPath(ids, from, to, points), signal)).tags,
    staleTime: 15_000,
    gcTime: 60_000,
    // History is written every two seconds: what a fresh alarm points at may not be there yet when it is opened.
    refetchInterval: ({ state }) => (state.dataUpdateCount < (state.data?.some((h) => h.time_ms.length) ? 3 : 15) ? 2_500 : false),
  });
