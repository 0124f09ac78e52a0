import { Button, Skeleton } from 'antd';
import { Component, type ErrorInfo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../lib/http';

/** The words for an error: the server's own text, or ours when it could not speak. */
export function useErrorText(error: unknown): { title: string; remedy: string; code: string } {
  const { t } = useTranslation('common');
  if (!(error instanceof ApiError)) return { title: t('common:error.page'), remedy: t('common:error.pageRemedy'), code: '' };
  const { status, code, title, problems } = error.problem;
  const known = status === 0 ? 'network' : status === 403 ? 'forbidden' : status === 404 ? 'notFound' : 'server';
  const details = (problems ?? []).map((p) => p.text).filter(Boolean).join(' ');
  // The server's own text already says what to do; ours is for where it has none.
  const own = title && status < 500 && status !== 403 ? '' : t(`common:error.${known}Remedy`);
  return { title: title || t(`common:error.${known}`), remedy: details || own, code };
}

export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation('common');
  const text = useErrorText(error);
  return (
    <div className="hw-state" role="alert">
      <strong>{text.title}</strong>
      {text.remedy ? <p>{text.remedy}</p> : null}
      {text.code ? <code className="hw-code">{text.code}</code> : null}
      {retry && !(error instanceof ApiError && error.status === 403) ? <Button onClick={retry}>{t('common:retry')}</Button> : null}
    </div>
  );
}

export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="hw-state">
      <strong>{title}</strong>
      {hint ? <p>{hint}</p> : null}
      {children}
    </div>
  );
}

export function Loading({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation('common');
  return (
    <div className="hw-skeleton" role="status" aria-label={t('common:loading')}>
      <Skeleton active={false} title={false} paragraph={{ rows, width: '100%' }} />
    </div>
  );
}

interface QueryLike<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** Loading, refused or broken; the children only see data. Old data stays on screen while a refetch fails. */
export function Ready<T>({ query, rows, children }: { query: QueryLike<T>; rows?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  return <Loading rows={rows} />;
}

interface BoundaryProps {
  children: ReactNode;
}

/** Keeps a page that breaks from taking the shell, and the alarm summary in it, down. */
export class Boundary extends Component<BoundaryProps, { error: unknown }> {
  override state = { error: null as unknown };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override componentDidCatch(error: Error, info: ErrorInfo): void {
    reportError(new Error(`${error.message}${info.componentStack ?? ''}`));
  }
  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <ErrorState error={this.state.error} retry={() => this.setState({ error: null })} />;
  }
}
