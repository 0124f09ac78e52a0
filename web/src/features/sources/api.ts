/** Data sources, what an OPC UA server offers, its address space, and the jobs that collect tag lists. */
import { queryOptions } from '@tanstack/react-query';
import { get, request } from '../../lib/http';
import type { Job } from '../jobs/api';

export interface Connection {
  endpoint: string;
  policy: string;
  mode: string;
  username: string;
  has_password: boolean;
  /** Hex of the SHA-256 of the certificate that was accepted. */
  server_certificate: string;
  publishing_s: number;
  sampling_s: number;
  queue: number;
}

export type LinkState = 'connected' | 'connecting' | 'down' | 'off' | 'unknown';

export interface BadPoint {
  key: string;
  tag: string;
  reason: string;
}

export interface Link {
  state: LinkState;
  since_ms: number | null;
  last_seen_ms: number | null;
  samples: number;
  samples_per_s: number;
  error: { code: string; params: Record<string, unknown>; text: string } | null;
  bad_points: BadPoint[];
  bad_point_count: number;
  gaps: number;
  gap_s: number;
  /** How far behind the server's own clock samples arrive. */
  delay_s: number | null;
  /** Samples lost in full queues of the platform, set aside for their value, lost in queues of the server, and publications missed. */
  dropped: number;
  quarantined: number;
  overflows: number;
  missed: number;
}

export interface Source {
  code: string;
  protocol: 'mqtt' | 'opcua';
  kind: string;
  partition: string;
  points: number;
  connection: Connection | null;
  link: Link;
}

export interface OfferedEndpoint {
  policy: string;
  mode: string;
  url: string;
  /** Hex of the SHA-256 of the server's certificate, empty without one. */
  certificate: string;
  /** False for a policy that is out of date or unknown to the platform. */
  supported?: boolean;
  subject: string;
  expires_ms: number | null;
  identities: string[];
}

export interface Offer {
  endpoints: OfferedEndpoint[];
  server: { name: string; uri: string };
}

export interface BrowseNode {
  node: string;
  name: string;
  title: string;
  kind: 'folder' | 'object' | 'variable';
  type: string;
  unit: string;
  low: number | null;
  high: number | null;
  description: string;
  value: number | string | boolean | null;
  status: number;
  children: boolean;
  tag: string | null;
}

export interface BrowsePage {
  items: BrowseNode[];
  next: string | null;
}

export interface CollectedRow {
  node: string;
  name: string;
  title: string;
  path: string;
  unit: string;
  low: number | null;
  high: number | null;
  type: string;
  tag: string | null;
}

export interface SourceForm {
  code: string;
  partition: string;
  endpoint: string;
  policy: string;
  mode: string;
  username: string;
  password?: string;
  server_certificate: string;
}

export const sourceKeys = {
  all: ['sources'] as const,
  one: (code: string) => ['sources', 'one', code] as const,
  browse: (code: string, node: string | null) => ['sources', 'browse', code, node] as const,
};

const LIVE_MS = 3_000;
const path = (code: string): string => `sources/${encodeURIComponent(code)}`;

export const sourcesQuery = () =>
  queryOptions({
    queryKey: sourceKeys.all, queryFn: async ({ signal }) => (await get<{ items: Source[] }>('sources', signal)).items, refetchInterval: LIVE_MS,
  });

export const sourceQuery = (code: string) =>
  queryOptions({ queryKey: sourceKeys.one(code), queryFn: ({ signal }) => get<Source>(path(code), signal), refetchInterval: LIVE_MS });

/** One level of the address space, page after page. A browse is a question to the server in the plant: it is not asked again by itself. */
export const browseQuery = (code: string, node: string | null) =>
  queryOptions({
    queryKey: sourceKeys.browse(code, node),
    queryFn: async ({ signal }) => {
      const items: BrowseNode[] = [];
      let cursor: string | null = null;
      do {
        const page: BrowsePage = await request<BrowsePage>('POST', `${path(code)}/browse`, { node, cursor }, signal);
        items.push(...page.items);
        cursor = page.next;
      } while (cursor !== null);
      return items;
    },
    staleTime: 60_000, retry: false,
  });

export const look = (endpoint: string): Promise<Offer> => request<Offer>('POST', 'sources/look', { endpoint });
export const addSource = (form: SourceForm): Promise<Source> => request<Source>('POST', 'sources', form);
export const changeSource = (code: string, changes: Partial<SourceForm>): Promise<Source> => request<Source>('PATCH', path(code), changes);
export const removeSource = (code: string): Promise<void> => request('DELETE', path(code));
export const collect = (code: string, node: string): Promise<Job> => request<Job>('POST', `${path(code)}/collect`, { node });
export const tagListPath = (code: string, job: string): string => `${path(code)}/taglist.xlsx?job=${job}`;

/** A fingerprint in groups of four, as people compare it with what the server's own tool shows. */
export const fingerprint = (hex: string): string => hex.toUpperCase().replace(/(.{4})(?=.)/g, '$1 ');
