import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './http';
import { keys } from './keys';

function worthRetrying(count: number, error: unknown): boolean {
  const status = error instanceof ApiError ? error.status : 0;
  return count < 2 && (status === 0 || status >= 502);
}

/** The one cache of the host; apps see the same object. A 401 anywhere sends the desk back to the login. */
export const queryClient: QueryClient = new QueryClient({
  defaultOptions: { queries: { retry: worthRetrying, staleTime: 30_000, refetchOnWindowFocus: false } },
});

queryClient.getQueryCache().subscribe((event) => {
  if (event.type !== 'updated' || event.action.type !== 'error') return;
  const error: unknown = event.action.error;
  if (error instanceof ApiError && error.status === 401 && event.query.queryKey[0] !== 'session') {
    void queryClient.invalidateQueries({ queryKey: keys.session });
  }
});
