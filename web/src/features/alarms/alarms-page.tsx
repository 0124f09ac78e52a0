import { useHost } from '@headworks/app-sdk';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Empty, Ready } from '../../components/states';
import { queryClient } from '../../lib/client';
import { get } from '../../lib/http';
import { keys } from '../../lib/keys';
import { alarmsPath, alarmsQuery, assetsQuery, hiddenAlarmsQuery, summaryQuery } from '../../lib/queries';
import type { Alarm, Page } from '../../lib/types';
import { useAcknowledge } from './acknowledge';
import { AlarmDrawer } from './alarm-drawer';
import { AlarmList } from './alarm-list';
import { needsAck } from './alarm-row';
import { FilterBar } from './filter-bar';
import { matchesText, useFilters, type Filters } from './filters';
import { arrange } from './order';
import '../../components/parts.css';
import './alarms.css';

function useOlder(filters: Filters, page: Page<Alarm> | undefined) {
  const [loading, setLoading] = useState(false);
  const more = async () => {
    if (!page?.next) return;
    setLoading(true);
    try {
      const older = await get<Page<Alarm>>(alarmsPath(filters.query, page.next));
      queryClient.setQueryData<Page<Alarm>>(keys.alarmList(filters.query), (now) => {
        if (!now) return now;
        const known = new Set(now.items.map((a) => a.id));
        return { ...now, items: [...now.items, ...older.items.filter((a) => !known.has(a.id))], next: older.next };
      });
    } finally {
      setLoading(false);
    }
  };
  return { more: page?.next ? () => void more() : undefined, loading };
}

interface Keys {
  move: (step: number) => void;
  open: () => void;
  acknowledge: () => void;
  close: () => void;
}

/** Arrow keys, Enter and A work anywhere on the page except while typing. */
function useKeys(keysOf: Keys): void {
  const current = useRef(keysOf);
  current.current = keysOf;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, textarea, select, [role=tree], [role=radiogroup], [role=listbox], [role=combobox]')) return;
      if (event.key === 'ArrowDown') current.current.move(1);
      else if (event.key === 'ArrowUp') current.current.move(-1);
      else if (event.key === 'Enter' && !target.closest('a, button')) current.current.open();
      else if (event.key === 'a' || event.key === 'A') current.current.acknowledge();
      else if (event.key === 'Escape') current.current.close();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

/** The alarms that the opened first-outs suppress, by the id of the first-out; asked again when their number changes. */
function useHidden(alarms: Alarm[], expanded: ReadonlySet<string>): Map<string, Alarm[]> {
  const causes = alarms.filter((a) => expanded.has(a.id) && (a.suppressing ?? 0) > 0);
  const numbers = causes.map((a) => `${a.id}:${a.suppressing}`).join();
  useEffect(() => { if (numbers) void queryClient.invalidateQueries({ queryKey: ['alarms', 'hidden'] }); }, [numbers]);
  return useQueries({
    queries: causes.map((a) => hiddenAlarmsQuery(a.id)),
    combine: (results) => new Map(results.map((r, i) => [causes[i]?.id ?? '', r.data ?? []])),
  });
}

function toggled<T>(set: ReadonlySet<T>, item: T, on = !set.has(item)): ReadonlySet<T> {
  const next = new Set(set);
  if (on) next.add(item);
  else next.delete(item);
  return next;
}

function List({ page, filters, more, loadingMore }: { page: Page<Alarm>; filters: Filters; more?: () => void; loadingMore: boolean }) {
  const { t } = useTranslation('alarms');
  const host = useHost();
  const canAcknowledge = host.can('alarms.acknowledge');
  const { mutate, isPending } = useAcknowledge();
  const { data: summary } = useQuery(summaryQuery());
  const [selected, setSelected] = useState<string | null>(filters.open);
  const [checked, setChecked] = useState<ReadonlySet<string>>(new Set());
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const alarms = useMemo(() => page.items.filter((a) => matchesText(a, filters.text)), [page.items, filters.text]);
  const hidden = useHidden(alarms, expanded);
  const rows = useMemo(() => arrange(alarms, hidden, filters.query.suppressed === 'show'), [alarms, hidden, filters.query.suppressed]);
  const unacked = useMemo(() => alarms.filter(needsAck), [alarms]);
  const marked = unacked.filter((a) => checked.has(a.id));
  const setFilters = useRef(filters.set);
  setFilters.current = filters.set;
  const open = useCallback((id: string) => {
    setSelected(id);
    setFilters.current({ open: id });
  }, []);
  const check = useCallback((id: string, on: boolean) => setChecked((old) => toggled(old, id, on)), []);
  const expand = useCallback((id: string) => setExpanded((old) => toggled(old, id)), []);
  const acknowledge = useCallback((id: string, comment = '') => mutate({ ids: [id], comment }), [mutate]);
  const acknowledgeRow = useCallback((id: string) => acknowledge(id), [acknowledge]);
  const acknowledgeMarked = () => {
    mutate({ ids: marked.map((a) => a.id), comment: '' });
    setChecked(new Set());
  };
  useKeys({
    move: (step) => {
      const at = rows.findIndex((r) => r.alarm.id === selected);
      const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))]?.alarm;
      if (!next) return;
      setSelected(next.id);
      if (filters.open) filters.set({ open: next.id });
    },
    open: () => { if (selected) open(selected); },
    close: () => filters.set({ open: null }),
    acknowledge: () => {
      if (!canAcknowledge || isPending) return;
      if (marked.length) acknowledgeMarked();
      else if (selected && unacked.some((a) => a.id === selected)) acknowledge(selected);
    },
  });
  const only = filters.query.suppressed === 'only';
  const filtered = filters.text !== '' || filters.query.priority.length > 0 || filters.assetCode !== null || only;
  const suppressed = summary?.suppressed ?? 0;
  return (
    <div className="hw-alarmsplit">
      <section className="hw-panel hw-alarmpanel">
        <div className="hw-alarmbar">
          <span className="hw-num hw-muted" aria-live="polite">{t('alarms:count', { n: alarms.length, unacked: unacked.length })}</span>
          {suppressed > 0 && filters.query.suppressed === 'hide' ? (
            <button type="button" className="hw-badge" data-dashed="true" data-testid="alarm-suppressed-total" onClick={() => filters.set({ suppressed: 'show' })}>
              {t('alarms:suppressedTotal', { n: suppressed })}
            </button>
          ) : null}
          {canAcknowledge && unacked.length ? (
            <Button size="small" onClick={() => setChecked(marked.length === unacked.length ? new Set() : new Set(unacked.map((a) => a.id)))}>
              {t(marked.length === unacked.length ? 'alarms:selectNone' : 'alarms:selectAll')}
            </Button>
          ) : null}
          {marked.length ? <Button size="small" type="primary" data-testid="alarm-ack-many" loading={isPending} onClick={acknowledgeMarked}>{t('alarms:acknowledgeMany', { n: marked.length })}</Button> : null}
          <span className="hw-muted hw-keys">{t('alarms:keys')}</span>
        </div>
        <AlarmList
          rows={rows} expanded={expanded} selected={selected} checked={checked} canAcknowledge={canAcknowledge} busy={isPending} onMore={more} loadingMore={loadingMore}
          empty={<Empty title={t(filtered ? 'alarms:noMatch' : 'alarms:empty')} hint={t(filtered ? 'alarms:noMatchHint' : 'alarms:emptyHint')} />}
          onOpen={open} onCheck={check} onAcknowledge={acknowledgeRow} onExpand={expand}
        />
      </section>
      {filters.open ? (
        <AlarmDrawer
          id={filters.open} canAcknowledge={canAcknowledge} busy={isPending} onClose={() => filters.set({ open: null })}
          onAcknowledge={acknowledge} onOpen={open}
        />
      ) : null}
    </div>
  );
}

export default function AlarmsPage() {
  const { t } = useTranslation('alarms');
  const assets = useQuery(assetsQuery());
  const filters = useFilters(assets.data);
  const waiting = filters.assetCode !== null && assets.isPending;
  const alarms = useQuery({ ...alarmsQuery(filters.query), enabled: !waiting });
  const older = useOlder(filters, alarms.data);
  return (
    <div className="hw-page hw-alarmpage">
      <div className="hw-page-head"><h1>{t('alarms:title')}</h1></div>
      <FilterBar filters={filters} assets={assets.data ?? []} />
      <Ready query={alarms} rows={10}>
        {(page) => <List page={page} filters={filters} more={older.more} loadingMore={older.loading} />}
      </Ready>
    </div>
  );
}
