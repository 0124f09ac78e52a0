/** One way to the API: session cookie, CSRF header, caller's language, problem+json as an exception. */
import i18next from 'i18next';
import type { Problem } from './types';

const TIMEOUT_MS = 20_000;

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
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
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
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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
