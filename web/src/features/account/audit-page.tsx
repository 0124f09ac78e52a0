import { useInfiniteQuery } from '@tanstack/react-query';
import { AutoComplete, Button, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { Empty, ErrorState, Loading } from '../../components/states';
import { formatDateTime } from '../../lib/format';
import { auditQuery, type AuditRow } from './api';
import '../../components/parts.css';
import './account.css';

/** Beginnings of actions that people look for; any other can be typed. */
const AREAS = ['session.', 'user.', 'password.', 'token.', 'plant.', 'import.', 'source.', 'device.', 'alarms.', 'order', 'file.', 'job.', 'backtest'];

function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail).map(([k, v]) => `${k}=${typeof v === 'object' ? JSON.stringify(v) : String(v)}`).join('  ');
}

function Row({ row }: { row: AuditRow }) {
  const { t } = useTranslation('account');
  return (
    <tr data-testid="audit-row" data-action={row.action}>
      <td data-label={t('account:audit.columns.at')} className="hw-num">{formatDateTime(row.at_ms)}</td>
      <th scope="row">{row.actor}</th>
      <td data-label={t('account:audit.columns.action')}>{t(`account:action.${row.action.replace('.', '_')}`, { defaultValue: row.action })} <span className="hw-code">{row.action}</span></td>
      <td data-label={t('account:audit.columns.object')} className="hw-auditobject">{row.kind} <span className="hw-code">{row.object_id}</span></td>
      <td data-label={t('account:audit.columns.detail')} className="hw-mono hw-auditdetail">{detailText(row.detail)}</td>
      <td data-label={t('account:audit.columns.address')} className="hw-mono">{row.address}</td>
    </tr>
  );
}

/** Who changed what and when; it can be read, never edited. */
export default function AuditPage() {
  const { t } = useTranslation('account');
  const [params, setParams] = useSearchParams();
  const filter = { actor: params.get('actor') ?? '', action: params.get('action') ?? '' };
  const audit = useInfiniteQuery(auditQuery(filter));
  const rows = audit.data?.pages.flatMap((p) => p.items) ?? [];
  const set = (name: string, value: string) => setParams((old) => {
    const next = new URLSearchParams(old);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  }, { replace: true });
  return (
    <div className="hw-page">
      <div className="hw-page-head"><h1>{t('account:audit.title')}</h1></div>
      <div className="hw-toolbar">
        <Input.Search
          key={filter.actor} className="hw-auditpick" allowClear defaultValue={filter.actor} placeholder={t('account:audit.actor')} aria-label={t('account:audit.actor')} data-testid="audit-actor"
          onSearch={(v) => set('actor', v.trim())} onBlur={(e) => set('actor', e.target.value.trim())}
        />
        <AutoComplete
          className="hw-auditpick" allowClear value={filter.action} placeholder={t('account:audit.action')} aria-label={t('account:audit.action')} data-testid="audit-action" onChange={(v: string | undefined) => set('action', (v ?? '').trim())}
          options={AREAS.map((value) => ({ value, label: t(`account:area.${value.replace('.', '')}`) }))}
        />
      </div>
      <section className="hw-panel">
        {audit.isPending ? <Loading rows={10} />
          : audit.error && !audit.data ? <ErrorState error={audit.error} retry={() => void audit.refetch()} />
            : rows.length ? (
              <div className="hw-tablewrap">
                <table className="hw-rows">
                  <thead><tr>{(['at', 'actor', 'action', 'object', 'detail', 'address'] as const).map((c) => <th key={c} scope="col">{t(`account:audit.columns.${c}`)}</th>)}</tr></thead>
                  <tbody>{rows.map((row) => <Row key={row.id} row={row} />)}</tbody>
                </table>
              </div>
            ) : <Empty title={t('account:audit.empty')} hint={t('account:audit.emptyHint')} />}
        {audit.hasNextPage ? <p className="hw-foot"><Button loading={audit.isFetchingNextPage} data-testid="audit-more" onClick={() => void audit.fetchNextPage()}>{t('account:more')}</Button></p> : null}
      </section>
    </div>
  );
}
