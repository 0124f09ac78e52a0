/** One way to the API: session cookie, CSRF header, caller's language, problem+json as an exception. */
import i18next from 'i18next';
import type { Problem } from './types';

const TIMEOUT_MS = 20_000;
const FILE_TIMEOUT_MS = 300_000;

let csrf = '';
let skewMs = 0;

export function setCsrf(token: string): void {
  csrf = token;
}

/** Now by the server's clock: a desk with a wrong clock must not show live values as old. */
export function serverNow(): number {
  return Date.now() - skewMs;
}

function noteServerTime(header: string | null): void {
  if (!header) return;
  const skew = Date.now() - Date.parse(header) - 500;
  if (Number.isFinite(skew)) skewMs = Math.abs(skew) > 2000 ? skew : 0;
}

/** A refusal by the server, or `network` when there was no answer. `problem` holds the text to show. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
  get status(): number {
    return this.problem.status;
  }
  get code(): string {
    return this.problem.code;
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = { title: '', status: response.status, code: `http.${response.status}` };
  if (!response.headers.get('content-type')?.includes('json')) return fallback;
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}

export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const form = body instanceof FormData;
  const timeout = AbortSignal.timeout(form ? FILE_TIMEOUT_MS : TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      credentials: 'same-origin',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      headers: {
        Accept: 'application/json',
        'Accept-Language': i18next.language,
        ...(method === 'GET' ? {} : { 'X-CSRFToken': csrf }),
        // The browser itself names the boundary of a form with files.
        ...(body === undefined || form ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({ title: '', status: 0, code: 'network' });
  }
  noteServerTime(response.headers.get('date'));
  if (!response.ok) throw new ApiError(await problemOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => request<T>('GET', path, undefined, signal);

const NAME = /filename\*=(?:UTF-8|utf-8)''([^;]+)|filename="?([^";]+)"?/;

function nameOf(response: Response, path: string): string {
  const found = NAME.exec(response.headers.get('content-disposition') ?? '');
  if (found?.[1]) return decodeURIComponent(found[1]);
  return found?.[2] ?? path.split('?')[0]?.split('/').at(-1) ?? '';
}

/** Fetches a file in the user's language and hands it to the browser to keep; a refusal is thrown like any other. */
export async function download(path: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      credentials: 'same-origin', signal: AbortSignal.timeout(FILE_TIMEOUT_MS), headers: { 'Accept-Language': i18next.language },
    });
  } catch {
    throw new ApiError({ title: '', status: 0, code: 'network' });
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = nameOf(response, path);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
