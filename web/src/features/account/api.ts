/** Users, own API tokens and the audit trail over HTTP. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { get, request } from '../../lib/http';
import type { Page } from '../../lib/types';

export interface Token {
  id: string;
  name: string;
  /** The first characters, by which a program's owner recognises it. */
  prefix: string;
  read_only: boolean;
  created_ms: number;
  expires_ms: number;
  /** Null until it is used; kept to the minute. */
  last_used_ms: number | null;
}

export interface NewToken {
  name: string;
  days: number;
  read_only: boolean;
}

/** What making a token gives: the only answer that ever holds the token itself. */
export interface IssuedToken extends Token {
  token: string;
}

export interface Person {
  name: string;
  display: string;
  roles: string[];
  is_active: boolean;
  locked_until_ms: number | null;
}

export interface AuditEntry {
  id: string;
  at_ms: number;
  actor: string;
  /** `<area>.<what>`, such as `session.opened`. */
  action: string;
  kind: string;
  object_id: string;
  address: string;
  detail: Record<string, unknown>;
}

export interface AuditFilter {
  actor: string;
  /** The whole name of an action, or its beginning. */
  action: string;
}

const OFTEN_MS = 5_000;
const NOW_AND_THEN_MS = 15_000;
const AUDIT_PAGE = 100;

export const accountKeys = { tokens: ['tokens'] as const, users: ['users'] as const, audit: ['audit'] as const };

export const tokensQuery = () =>
  queryOptions({
    queryKey: accountKeys.tokens, queryFn: async ({ signal }) => (await get<Page<Token>>('tokens', signal)).items,
    refetchInterval: NOW_AND_THEN_MS, staleTime: 0,
  });

export const issueToken = (wanted: NewToken): Promise<IssuedToken> => request<IssuedToken>('POST', 'tokens', wanted);
export const revokeToken = (id: string): Promise<Page<Token>> => request<Page<Token>>('DELETE', `tokens/${id}`);

export const usersQuery = () =>
  queryOptions({
    queryKey: accountKeys.users, queryFn: async ({ signal }) => (await get<Page<Person>>('users', signal)).items,
    refetchInterval: OFTEN_MS, staleTime: 0,
  });

export const unlockUser = (name: string): Promise<Page<Person>> => request<Page<Person>>('POST', `users/${encodeURIComponent(name)}/unlock`, {});

function auditPath(filter: AuditFilter, cursor: string): string {
  const params = new URLSearchParams({ limit: String(AUDIT_PAGE) });
  if (filter.actor) params.set('actor', filter.actor);
  if (filter.action) params.set('action', filter.action);
  if (cursor) params.set('cursor', cursor);
  return `audit?${params}`;
}

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: [...accountKeys.audit, filter], initialPageParam: '',
    queryFn: ({ pageParam, signal }) => get<Page<AuditEntry>>(auditPath(filter, pageParam), signal),
    getNextPageParam: (last) => last.next ?? undefined, staleTime: 0,
    // Whoever reads further back is not asked to lose the place: only the first page follows by itself.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : NOW_AND_THEN_MS),
  });
