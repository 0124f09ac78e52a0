/** One piece of equipment: its place, what its KKS code says, and its documents. */
import { queryOptions } from '@tanstack/react-query';
import { get, request } from '../../lib/http';
import type { Asset, Title } from '../../lib/types';

interface Step {
  id: number;
  code: string;
  title: Title;
}

export interface AssetDetail extends Asset {
  kks: string;
  path: Step[];
  children: Asset[];
  /** On it and everything below. */
  tags: number;
  models: number;
}

export interface Kks {
  code: string;
  valid: boolean;
  parts: { level: number; key: string; value: string; title: Title | null }[];
  problems: { code: string; text: string }[];
}

export interface AssetFile {
  id: string;
  title: string;
  name: string;
  media_type: string;
  size: number;
  sha256: string;
  by: string;
  at_ms: number;
}

export const assetKeys = {
  one: (id: number) => ['assets', 'one', id] as const,
  files: (id: number) => ['assets', 'files', id] as const,
};

const LONG = 5 * 60_000;

export const assetQuery = (id: number) =>
  queryOptions({ queryKey: assetKeys.one(id), queryFn: ({ signal }) => get<AssetDetail>(`assets/${id}`, signal), staleTime: LONG });

export const kksQuery = (code: string) =>
  queryOptions({ queryKey: ['kks', code], queryFn: ({ signal }) => get<Kks>(`kks/${encodeURIComponent(code)}`, signal), staleTime: Infinity });

export const filesQuery = (id: number) =>
  queryOptions({ queryKey: assetKeys.files(id), queryFn: async ({ signal }) => (await get<{ items: AssetFile[] }>(`assets/${id}/files`, signal)).items });

export const fileAddress = (id: string): string => `/api/v1/files/${id}`;

export function addFile(asset: number, file: File, title: string): Promise<AssetFile> {
  const form = new FormData();
  form.append('file', file);
  form.append('title', title);
  return request<AssetFile>('POST', `assets/${asset}/files`, form);
}

export const removeFile = (id: string): Promise<unknown> => request('DELETE', `files/${id}`);
