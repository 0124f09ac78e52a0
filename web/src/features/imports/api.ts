/** Imports of tags and models: what a file would change, and what is wrong in it, before anything is changed. */
import { queryOptions } from '@tanstack/react-query';
import { get, request } from '../../lib/http';

export const KINDS = ['tags', 'models'] as const;
export type Kind = (typeof KINDS)[number];

export interface ImportProblem {
  row: number;
  column: string;
  header: string;
  name: string;
  value: unknown;
  code: string;
  text: string;
}

export interface ImportItem {
  row: number;
  action: 'create' | 'change';
  code: string;
  fields: { name: string; old: unknown; new: unknown; by: string }[];
}

export interface ImportRun {
  id: string;
  kind: Kind;
  plant: string;
  file_name: string;
  encoding: string;
  sheet: string;
  rows: number;
  creates: number;
  changes: number;
  unchanged: number;
  errors: number;
  problem_count: number;
  state: 'checked' | 'applied' | 'expired';
  problems: ImportProblem[];
  warnings: { column: string; header: string; code: string; text: string }[];
  items: ImportItem[];
  created_ms: number;
  created_by: string;
  expires_ms: number;
  applied_ms: number | null;
  applied_by: string;
}

export const importKeys = { one: (id: string) => ['imports', 'one', id] as const };

export const importQuery = (id: string) =>
  queryOptions({ queryKey: importKeys.one(id), queryFn: ({ signal }) => get<ImportRun>(`imports/${id}`, signal) });

export function checkFile({ file, kind, plant }: { file: File; kind: Kind; plant: string }): Promise<ImportRun> {
  const form = new FormData();
  form.append('file', file);
  form.append('kind', kind);
  form.append('plant', plant);
  return request<ImportRun>('POST', 'imports', form);
}

export const applyImport = (id: string, skipBad: boolean): Promise<ImportRun> => request<ImportRun>('POST', `imports/${id}/apply`, { skip_bad: skipBad });
