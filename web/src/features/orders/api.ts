/** Work orders as the server gives them, and how they are asked for. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { get } from '../../lib/http';
import type { AlarmState, Title } from '../../lib/types';

export const ORDER_STATES = ['open', 'in_progress', 'finished', 'closed', 'cancelled'] as const;
export type OrderState = (typeof ORDER_STATES)[number];
export const OUTCOMES = ['repaired', 'adjusted', 'replaced', 'false_alarm', 'no_fault_found', 'other'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface OrderResult {
  cause: string;
  action: string;
  outcome: Outcome;
  note: string;
}

export interface Order {
  id: string;
  number: string;
  state: OrderState;
  title: string;
  description: string;
  priority: number;
  asset: { id: number | null; code: string; title: Title } | null;
  alarm: { id: string; title: Title; state: AlarmState; raised_ms: number } | null;
  /** Tags the alarm was based on, and when it was raised. */
  evidence: { tags: number[]; at_ms: number } | null;
  assignee: string | null;
  created_by: string;
  created_ms: number;
  due_ms: number | null;
  started_ms: number | null;
  finished_ms: number | null;
  closed_ms: number | null;
  result: OrderResult | null;
  /** `detail` is what a step set: the assignee, or a result that may have been given up since. */
  steps: { at_ms: number; by: string; name: string; comment: string | null; detail: Partial<OrderResult> & { assignee?: string | null } }[];
}

export interface OrderPage {
  items: Order[];
  next: string | null;
  counts: Partial<Record<OrderState, number>>;
}

export interface Person {
  name: string;
  display: string;
}

export interface OrderQuery {
  state: OrderState | 'all';
  asset: number | null;
  mine: boolean;
}

export const orderKeys = {
  all: ['orders'] as const,
  list: (query: OrderQuery) => ['orders', 'list', query] as const,
  one: (id: string) => ['orders', 'one', id] as const,
};

const REFRESH_MS = 30_000;
const PAGE = 100;

export function ordersPath(query: OrderQuery, cursor = '', limit = PAGE): string {
  const params = new URLSearchParams({ limit: String(limit) });
  if (query.state !== 'all') params.set('state', query.state);
  if (query.asset !== null) params.set('asset', String(query.asset));
  if (query.mine) params.set('mine', '1');
  if (cursor) params.set('cursor', cursor);
  return `orders?${params}`;
}

export const ordersQuery = (query: OrderQuery) =>
  infiniteQueryOptions({
    queryKey: orderKeys.list(query),
    queryFn: ({ signal, pageParam }) => get<OrderPage>(ordersPath(query, pageParam), signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    refetchInterval: REFRESH_MS,
  });

export const orderQuery = (id: string) =>
  queryOptions({ queryKey: orderKeys.one(id), queryFn: ({ signal }) => get<Order>(`orders/${id}`, signal), refetchInterval: REFRESH_MS });

export const peopleQuery = () =>
  queryOptions({ queryKey: ['people'], queryFn: async ({ signal }) => (await get<{ items: Person[] }>('people', signal)).items, staleTime: 300_000 });
