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

/** A signal of another model that a port reads. */
export interface ModelLink {
  model: number;
  code: string;
  title: Title;
  signal: string;
  signal_title: Title | null;
}

export type SignalKind = 'value' | 'bool';

export interface ModelPort {
  name: string;
  title: Title | null;
  unit: string;
  kind: SignalKind;
  tag: TagRef | null;
  link: ModelLink | null;
  /** Of a template inside: what the port reads around it. */
  reads: string | null;
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

export interface ModelTable {
  name: string;
  title: Title | null;
  rows: number[][];
  /** The model says it, not the template. */
  own: boolean;
}

export interface BlockOutput {
  name: string;
  title: Title | null;
  /** What it is called among the live values. */
  signal: string;
  kind: SignalKind;
  unit: string;
}

export interface ModelBlock {
  id: string;
  op: string;
  /** The code of the template that stands here as a block. */
  graph: string | null;
  title: Title | null;
  /** Input to what it reads: `in.<port>`, a block, `<block>.<output>`, `true`, `false` or `nothing`. */
  inputs: Record<string, string>;
  /** A number, or `$<name>` for a parameter of the model. */
  params: Record<string, number | string>;
  unit: string | null;
  outputs: BlockOutput[];
  table: number[][] | null;
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
  /** The nodes at which the template stands that is shown; empty for the model itself. */
  inside: string;
  template: string;
  version: number;
  title: Title;
  asset: { id: number; code: string; title: Title };
  partition: string;
  tick_ms: number;
  every_s: number;
  ports: ModelPort[];
  params: ModelParam[];
  tables: ModelTable[];
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

const at = (inside: string): string => (inside ? `?inside=${encodeURIComponent(inside)}` : '');

/** A model, or (`inside`: nodes) the template that stands in it. */
export const modelQuery = (id: number, inside = '') =>
  queryOptions({
    queryKey: ['models', 'one', id, inside], queryFn: ({ signal }) => get<ModelDetail>(`models/${id}${at(inside)}`, signal), staleTime: LONG,
  });

/** Asked again each second, by itself only while the page is on screen. */
export const modelLiveQuery = (id: number, inside = '') =>
  queryOptions({
    queryKey: ['models', 'live', id, inside], queryFn: ({ signal }) => get<ModelLive>(`models/${id}/live${at(inside)}`, signal), refetchInterval: LIVE_MS, staleTime: 0,
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
