/** Models over HTTP: the list, one with its graph, and what its signals are now. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { get } from '../../lib/http';
import type { Alarm, Guidance, Model, Page, Priority, Title } from '../../lib/types';

export interface TagRef {
  id: number;
  code: string;
  title: Title;
  unit: string;
}

export interface ModelPort {
  name: string;
  title: Title | null;
  unit: string;
  tag: TagRef | null;
}

export interface ModelParam {
  name: string;
  title: Title | null;
  unit: string;
  value: number;
  default: number;
  low: number | null;
  high: number | null;
}

export interface ModelBlock {
  id: string;
  op: string;
  title: Title | null;
  /** Input to what it reads: `in.<port>`, a block, `true` or `false`. */
  inputs: Record<string, string>;
  /** A number, or `$<name>` for a parameter of the model. */
  params: Record<string, number | string>;
  unit: string | null;
}

export interface ModelCondition {
  name: string;
  title: Title;
  priority: Priority;
  source: string;
  value: string | null;
  guidance: Guidance | null;
}

export interface ModelOutput {
  name: string;
  title: Title | null;
  source: string;
  unit: string;
  tag: TagRef | null;
}

export interface ModelDetail {
  id: number;
  code: string;
  template: string;
  version: number;
  title: Title;
  asset: { id: number; code: string; title: Title };
  partition: string;
  tick_ms: number;
  ports: ModelPort[];
  params: ModelParam[];
  blocks: ModelBlock[];
  conditions: ModelCondition[];
  outputs: ModelOutput[];
}

export interface Signal {
  /** Null where it is bad or unknown. */
  value: number | null;
  status: number;
}

export interface ModelLive {
  tick_ms: number | null;
  signals: Record<string, Signal>;
  conditions: Record<string, boolean | null>;
}

const LIVE_MS = 1000;
const LONG = 5 * 60_000;
const RECENT = 50;

export const modelListQuery = (asset: number | null) =>
  queryOptions({
    queryKey: ['models', 'list', asset],
    queryFn: async ({ signal }) => (await get<Page<Model>>(`models${asset === null ? '' : `?asset=${asset}&subtree=1`}`, signal)).items,
    refetchInterval: 30_000, placeholderData: keepPreviousData,
  });

export const modelQuery = (id: number) =>
  queryOptions({ queryKey: ['models', 'one', id], queryFn: ({ signal }) => get<ModelDetail>(`models/${id}`, signal), staleTime: LONG });

/** Asked again each second, by itself only while the page is on screen. */
export const modelLiveQuery = (id: number) =>
  queryOptions({
    queryKey: ['models', 'live', id], queryFn: ({ signal }) => get<ModelLive>(`models/${id}/live`, signal), refetchInterval: LIVE_MS, staleTime: 0,
    gcTime: 10_000, retry: false,
  });

/** The newest alarms of a model, found among those of its asset. */
export const modelAlarmsQuery = (model: ModelDetail) =>
  queryOptions({
    queryKey: ['alarms', 'model', model.id],
    queryFn: async ({ signal }) => {
      const found = await get<Page<Alarm>>(`alarms?state=all&instance=${model.id}&limit=${RECENT}&suppressed=show`, signal);
      return found.items;
    },
    refetchInterval: 30_000,
  });

/** Tags of a model: what it reads and what it writes, each once. */
export function tagsOf(model: ModelDetail): TagRef[] {
  const all = [...model.ports, ...model.outputs].map((p) => p.tag).filter((tag): tag is TagRef => tag !== null);
  return [...new Map(all.map((tag) => [tag.id, tag])).values()];
}
