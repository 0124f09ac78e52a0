/** Jobs over HTTP: what was asked for, how far it is, and what came out. */
import { queryOptions } from '@tanstack/react-query';
import { get, request } from '../../lib/http';
import type { Page } from '../../lib/types';

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

export interface Job {
  id: string;
  kind: string;
  state: JobState;
  /** 0 to 1. */
  progress: number;
  eta_s: number | null;
  asked_by: string;
  asked_ms: number;
  started_ms: number | null;
  ended_ms: number | null;
  params: Record<string, unknown>;
  result: Record<string, unknown> | null;
  error: { code: string; text: string } | null;
}

const RUNNING_MS = 1000;
const LIST_MS = 2000;
const IDLE_MS = 15_000;
const LIMIT = 100;

export const isOpen = (job: Job): boolean => job.state === 'queued' || job.state === 'running';

export const jobKeys = { all: ['jobs'] as const, list: (mine: boolean) => ['jobs', 'list', mine] as const, one: (id: string) => ['jobs', 'one', id] as const };

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: jobKeys.one(id), queryFn: ({ signal }) => get<Job>(`jobs/${id}`, signal),
    refetchInterval: ({ state }) => (state.data && !isOpen(state.data) ? false : RUNNING_MS), staleTime: 0,
  });

export const jobsQuery = (mine: boolean) =>
  queryOptions({
    queryKey: jobKeys.list(mine), queryFn: async ({ signal }) => (await get<Page<Job>>(`jobs?limit=${LIMIT}${mine ? '&mine=1' : ''}`, signal)).items,
    refetchInterval: ({ state }) => (state.data?.some(isOpen) ? LIST_MS : IDLE_MS), staleTime: 0,
  });

export const cancelJob = (id: string): Promise<Job> => request<Job>('POST', `jobs/${id}/cancel`, {});
