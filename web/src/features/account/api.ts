/** API tokens of the caller; users and audit trail for administrators. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { get, request } from '../../lib/http';

export interface Token {
  id: string;
  name: string;
  prefix: string;
  read_only: boolean;
  created_ms: number;
  expires_ms: number;
  last_used_ms: number | null;
}

export interface UserRow {
  name: string;
  display: string;
  roles: string[];
  is_active: boolean;
  locked_until_ms: number | null;
}

export interface AuditRow {
  id: string;
  at_ms: number;
  actor: string;
  action: string;
  kind: string;
  object_id: string;
  address: string;
  detail: Record<string, unknown>;
}

export const accountKeys = { tokens: ['tokens'] as const, users: ['users'] as const, audit: ['audit'] as const };

const items = async <T>(path: string, signal: AbortSignal): Promise<T[]> => (await get<{ items: T[] }>(path, signal)).items;

export const tokensQuery = () => queryOptions({ queryKey: accountKeys.tokens, queryFn: ({ signal }) => items<Token>('tokens', signal) });

export const usersQuery = () =>
  queryOptions({ queryKey: accountKeys.users, queryFn: ({ signal }) => items<UserRow>('users', signal), refetchInterval: 30_000 });

export interface AuditFilter {
  actor: string;
  action: string;
}

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: [...accountKeys.audit, filter],
    queryFn: ({ signal, pageParam }) => {
      const params = new URLSearchParams({ limit: '100' });
      for (const [name, value] of Object.entries({ ...filter, cursor: pageParam })) if (value) params.set(name, value);
      return get<{ items: AuditRow[]; next: string | null }>(`audit?${params}`, signal);
    },
    initialPageParam: '', getNextPageParam: (page) => page.next,
  });

export interface NewToken {
  name: string;
  days: number;
  read_only: boolean;
}

export const issueToken = (wanted: NewToken): Promise<Token & { token: string }> => request('POST', 'tokens', wanted);
export const revokeToken = (id: string): Promise<unknown> => request('DELETE', `tokens/${id}`);
export const unlockUser = (name: string): Promise<unknown> => request('POST', `users/${encodeURIComponent(name)}/unlock`);
