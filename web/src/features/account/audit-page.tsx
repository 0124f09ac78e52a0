import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { AutoComplete, Button, Select } from 'antd';
import { useEffect, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { StaleNote } from '../../components/stale-note';
import { Empty, ErrorState, Loading } from '../../components/states';
import { formatDateTime, zoneLabel } from '../../lib/format';
import { useNow } from '../../live/hooks';
import { ACTIONS, AREAS, areaOf } from './actions';
import { auditQuery, usersQuery, type AuditEntry, type AuditFilter } from './api';
import '../../components/parts.css';
import './account.css';

const SETTLE_MS = 300;

function useFilters() {
  const [params, setParams] = useSearchParams();
  const filter: AuditFilter = { actor: params.get('actor') ?? '', action: params.get('action') ?? '' };
  const set = (name: keyof AuditFilter, value: string) => setParams((old) => {
    const next = new URLSearchParams(old);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  }, { replace: true });
  return { filter, set };
}

/** Typed, or chosen among the users; a wrong login has a name that no user has. */
function ActorField({ value, onChange }: { value: string; onChange: (actor: string) => void }) {
  const { t } = useTranslation('account');
  const { data: users } = useQuery({ ...usersQuery(), refetchInterval: false });
  const [text, setText] = useState(value);
  useEffect(() => {
    const wanted = text.trim();
    if (wanted === value) return undefined;
    const timer = setTimeout(() => onChange(wanted), SETTLE_MS);
    return () => clearTimeout(timer);
    // Only what is typed sets the time running.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  return (
    <AutoComplete
      className="hw-auditfield" value={text} allowClear placeholder={t('account:audit.anyActor')} aria-label={t('account:audit.columns.actor')} data-testid="audit-actor"
      options={(users ?? []).map((u) => ({ value: u.name, label: u.display && u.display !== u.name ? t('account:audit.person', { display: u.display, name: u.name }) : u.name }))}
      showSearch={{ filterOption: (typed, option) => String(option?.label ?? '').toLowerCase().includes(typed.trim().toLowerCase()) }} onChange={(v) => setText(v ?? '')}
    />
  );
}

function useActionName(): (action: string) => string {
  const { t } = useTranslation('account');
  return (action) => t(`account:action.${action}`, { defaultValue: '' });
}

function ActionField({ value, onChange }: { value: string; onChange: (action: string) => void }) {
  const { t } = useTranslation('account');
  const nameOf = useActionName();
  // One flat list: a grouped one puts attributes on its headings that screen readers trip over.
  const options = AREAS.flatMap((area) => [
    { value: `${area}.`, label: t('account:audit.allOf', { area: t(`account:area.${area}`) }) },
    ...ACTIONS.filter((a) => areaOf(a) === area).map((a) => ({ value: a, label: t('account:audit.actionOf', { name: nameOf(a), code: a }) })),
  ]);
  return (
    <Select<string>
      className="hw-auditfield" allowClear value={value || null} placeholder={t('account:audit.anyAction')} aria-label={t('account:audit.columns.action')} options={options}
      data-testid="audit-action" popupMatchSelectWidth={320} showSearch={{ optionFilterProp: 'label' }} onChange={(v) => onChange(v ?? '')}
    />
  );
}

/** A part of the detail: known keys by their name and instants as time, what is not known as it was written down. */
function Part({ name, value }: { name: string; value: unknown }) {
  const { t } = useTranslation('account');
  const known = t(`account:key.${name}`, { defaultValue: '' });
  const text = typeof value === 'number' && name.endsWith('_ms') ? formatDateTime(value) : typeof value === 'string' ? value : JSON.stringify(value);
  return (
    <>
      <dt data-testid="audit-key" data-key={name} className={known ? undefined : 'hw-mono'}>{known || name}</dt>
      <dd className="hw-mono">{text}</dd>
    </>
  );
}

const UUID = /^[0-9a-f-]{32,36}$/;

/** What people call the thing an entry is about; an id that only machines read stays in the detail. */
function called(entry: AuditEntry): string {
  const { number, username, name } = entry.detail;
  const told = [number, username, name].find((v): v is string => typeof v === 'string' && v !== '');
  return told ?? (UUID.test(entry.object_id) ? '' : entry.object_id);
}

function Row({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation('account');
  const nameOf = useActionName();
  const id = useId();
  const [open, setOpen] = useState(false);
  const name = nameOf(entry.action);
  return (
    <>
      <tr data-testid="audit-row" data-action={entry.action} data-actor={entry.actor}>
        <td className="hw-num hw-audittime">{formatDateTime(entry.at_ms)}</td>
        <th scope="row">{name || entry.action} {name ? <span className="hw-code">{entry.action}</span> : null}</th>
        <td data-label={t('account:audit.columns.actor')}>{entry.actor || <span className="hw-muted">{t('account:audit.nobody')}</span>}</td>
        <td data-label={t('account:audit.columns.object')}>{entry.kind ? <span>{t(`account:kind.${entry.kind}`, { defaultValue: entry.kind })} <span className="hw-code hw-auditcalled">{called(entry)}</span></span> : null}</td>
        <td data-label={t('account:audit.columns.address')} className="hw-num">{entry.address}</td>
        <td className="hw-acts">
          <Button size="small" aria-expanded={open} aria-controls={open ? id : undefined} data-testid="audit-detail" aria-label={open ? undefined : t('account:audit.detailOf', { name: name || entry.action, time: formatDateTime(entry.at_ms) })} onClick={() => setOpen(!open)}>{t(open ? 'account:audit.less' : 'account:audit.detail')}</Button>
        </td>
      </tr>
      {open ? (
        <tr className="hw-auditdetail" id={id}>
          <td colSpan={6}>
            <dl className="hw-dl">
              {entry.object_id ? <><dt>{t('account:audit.objectId')}</dt><dd className="hw-mono">{entry.object_id}</dd></> : null}
              {Object.entries(entry.detail).map(([key, value]) => <Part key={key} name={key} value={value} />)}
              <dt>{t('account:audit.entry')}</dt><dd className="hw-mono">{entry.id}</dd>
            </dl>
          </td>
        </tr>
      ) : null}
    </>
  );
}

const COLUMNS = ['at', 'action', 'actor', 'object', 'address'] as const;

function Rows({ entries }: { entries: AuditEntry[] }) {
  const { t } = useTranslation('account');
  return (
    <div className="hw-tablewrap">
      <table className="hw-rows hw-audit">
        <thead>
          <tr>
            {COLUMNS.map((c) => <th key={c} scope="col">{t(`account:audit.columns.${c}`)}</th>)}
            <th scope="col"><span className="hw-sr">{t('account:act')}</span></th>
          </tr>
        </thead>
        <tbody>{entries.map((entry) => <Row key={entry.id} entry={entry} />)}</tbody>
      </table>
    </div>
  );
}

/** Who did what and when, newest first. */
export default function AuditPage() {
  const { t } = useTranslation('account');
  const { filter, set } = useFilters();
  const now = useNow();
  const audit = useInfiniteQuery(auditQuery(filter));
  const entries = useMemo(() => audit.data?.pages.flatMap((p) => p.items) ?? [], [audit.data]);
  const narrowed = Boolean(filter.actor || filter.action);
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <h1>{t('account:audit.title')}</h1>
        <p className="hw-muted">{t('account:audit.zone', { zone: zoneLabel(now) })}</p>
      </div>
      <div className="hw-toolbar">
        <ActorField value={filter.actor} onChange={(actor) => set('actor', actor)} />
        <ActionField value={filter.action} onChange={(action) => set('action', action)} />
      </div>
      <StaleNote query={audit} />
      <section className="hw-panel">
        {audit.isPending ? <Loading rows={10} />
          : audit.error && !audit.data ? <ErrorState error={audit.error} retry={() => void audit.refetch()} />
            : entries.length ? <Rows entries={entries} />
              : <Empty title={t(narrowed ? 'account:audit.noMatch' : 'account:audit.empty')} hint={t(narrowed ? 'account:audit.noMatchHint' : 'account:audit.emptyHint')} />}
        {audit.hasNextPage ? <p className="hw-foot"><Button loading={audit.isFetchingNextPage} data-testid="audit-more" onClick={() => void audit.fetchNextPage()}>{t('account:audit.more')}</Button></p> : null}
      </section>
    </div>
  );
}
