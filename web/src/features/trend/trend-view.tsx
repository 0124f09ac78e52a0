import { useHost } from '@headworks/app-sdk';
import { App } from 'antd';
import { useCallback, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Empty, ErrorState, Loading } from '../../components/states';
import { formatValue, titleOf } from '../../lib/format';
import { get } from '../../lib/http';
import { historyPath } from '../../lib/queries';
import type { Alarm, History, Tag } from '../../lib/types';
import { usePartitionNow } from '../../live/hooks';
import { usePreferences } from '../../theme/preferences';
import type { LimitLine, TimeLine } from './chart-draw';
import { EXPORT_ROWS, saveCsv, savePicture, stampOf, trendRows } from './export';
import { MarkLanes } from './mark-lane';
import { useAlarms, type Lane } from './marks';
import { PenTable } from './pen-table';
import { usePens } from './pens';
import { RangeBar } from './range-bar';
import { useView, type Change } from './state';
import { CursorLine, Tools } from './tools';
import { TrendChart, type Plot } from './trend-chart';
import { useWindow, type Span, type Window } from './window';

function laneOf(alarms: Alarm[], label: string): Lane {
  return { id: 'live', label, marks: alarms.map((a) => ({
    id: a.id, from: a.raised_ms, to: a.cleared_ms, priority: a.priority, label: `${a.asset.code} ${titleOf(a.title)}`,
    hollow: a.state !== 'unacked_active', href: `/alarms?open=${a.id}`,
  })) };
}

/** The range of the chosen tag, and the limits that its alarms in the span went over. */
function limitLines(tag: Tag | undefined, alarms: Alarm[], words: (name: 'low' | 'high' | 'alarm') => string): LimitLine[] {
  if (!tag) return [];
  const text = (name: 'low' | 'high' | 'alarm', value: number) => `${words(name)} ${formatValue(value, tag.low, tag.high)}`;
  const lines: LimitLine[] = [];
  if (tag.low !== null) lines.push({ value: tag.low, unit: tag.unit, label: text('low', tag.low), priority: null });
  if (tag.high !== null) lines.push({ value: tag.high, unit: tag.unit, label: text('high', tag.high), priority: null });
  const found = new Map<number, Alarm>();
  for (const a of alarms) if (a.tags.includes(tag.id) && a.unit === tag.unit && typeof a.limit === 'number') found.set(a.limit, a);
  for (const [value, a] of found) lines.push({ value, unit: tag.unit, label: text('alarm', value), priority: a.priority });
  return lines;
}

/** Arrow keys move the first cursor, with shift the second; plus and minus zoom, page keys turn over. */
function useKeys(window: Window, change: Change) {
  return (event: KeyboardEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget) return;
    const { from, to } = window.shown;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const moved = (time: number | null) => Math.min(to, Math.max(from, (time ?? (from + to) / 2) + ((by ?? 0) * (to - from)) / 200));
    if (by) change((v) => (event.shiftKey && v.b !== null ? { b: moved(v.b) } : { a: moved(v.a) }));
    else if (event.key === '+' || event.key === '=') window.setSpan(from + (to - from) / 4, to - (to - from) / 4);
    else if (event.key === '-') window.zoomOut();
    else if (event.key === 'PageUp') window.shift(-0.5);
    else if (event.key === 'PageDown') window.shift(0.5);
    else if (event.key === 'Escape') change({ a: null, b: null });
    else return;
    event.preventDefault();
  };
}

function useExport(tags: Tag[], { from, to }: Span, lines: TimeLine[], plot: React.RefObject<Plot | null>) {
  const { t } = useTranslation('trend');
  const { theme } = usePreferences();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const name = `trend_${stampOf(from)}-${stampOf(to)}`;
  const csv = async () => {
    setBusy(true);
    try {
      const body = await get<{ tags: History[] }>(historyPath(tags.map((tag) => tag.id), from, to, EXPORT_ROWS));
      saveCsv(name, trendRows(tags, body.tags, from, to, {
        time: t('trend:time'), status: t('trend:status'), statusText: (key) => t(`common:status.${key}`),
      }));
    } catch {
      void message.error(t('trend:csvFailed'));
    } finally {
      setBusy(false);
    }
  };
  const png = () => {
    const chart = plot.current?.canvas();
    if (chart) savePicture(name, chart, { title: tags.map((tag) => titleOf(tag.title)).join(' · '), tags, from, to, theme, lines });
  };
  return { busy, csv: () => void csv(), png };
}

interface Props {
  tags: Tag[];
  onRemove?: (id: number) => void;
  /** What an address without a window shows; following is then not the first choice. */
  fallback?: Span;
  /** Rows of marks instead of the alarms of the tags. */
  lanes?: Lane[];
}

/** Range bar, chart and pen table of up to twelve tags. */
export function TrendView({ tags, onRemove, fallback, lanes }: Props) {
  const { t } = useTranslation('trend');
  const host = useHost();
  const { now } = usePartitionNow(tags[0]?.partition);
  const window = useWindow(now, fallback);
  const [view, change] = useView();
  const [hover, setHover] = useState<number | null>(null);
  const [layout, setLayout] = useState({ left: 0, width: 0 });
  const plot = useRef<Plot>(null);
  const key = tags.map((tag) => tag.id).join();
  const ids = useMemo(() => (key ? key.split(',').map(Number) : []), [key]);
  const { pens, query } = usePens(ids, window.asked.from, window.asked.to, window.follow);
  const { from, to } = window.shown;
  const alarms = useAlarms(tags, from, to, view.marks && !lanes && host.can('alarms.view'));
  const chosen = tags.find((tag) => tag.id === view.selected) ?? tags.find((tag) => !view.hidden.includes(tag.id)) ?? tags[0];
  const a = view.a ?? (view.b === null ? hover : null);
  const lines = useMemo<TimeLine[]>(() => [
    ...(view.a === null ? [] : [{ time: view.a, label: 'A', solid: true }]), ...(view.b === null ? [] : [{ time: view.b, label: 'B', solid: true }]),
  ], [view.a, view.b]);
  const pick = (time: number) => {
    const near = (to - from) / 150;
    change(({ a: first, b: second }) => {
      if (first === null || second === null) return { a: first !== null && Math.abs(time - first) < near ? null : time };
      // Two that still stand together: the second goes where one clicks. Later the nearer one does.
      const apart = Math.abs(second - first) > near;
      return apart && Math.abs(time - first) <= Math.abs(time - second) ? { a: time } : { b: time };
    });
  };
  const files = useExport(tags, window.shown, lines, plot);
  const onKeyDown = useKeys(window, change);
  const onLayout = useCallback((left: number, width: number) => setLayout({ left, width }), []);
  const empty = pens.every((pen) => !pen.time.length);
  const limits = view.limits ? limitLines(chosen, alarms, (n) => t(`trend:limit.${n}`)) : undefined;
  return (
    <>
      <RangeBar window={window} />
      <Tools view={view} change={change} many={tags.length > 1} middle={from + (to - from) / 3} busy={files.busy} onCsv={files.csv} onPng={files.png} />
      <section
        className="hw-panel hw-chartpanel" data-fetching={query.isFetching} tabIndex={0} role="group" aria-label={t('trend:keys')} onKeyDown={onKeyDown}
        data-testid="trend-panel"
      >
        {query.error && !query.data ? <ErrorState error={query.error} retry={() => void query.refetch()} />
          : query.isPending ? <Loading rows={8} /> : (
            <>
              <MarkLanes
                lanes={view.marks ? (lanes ?? [laneOf(alarms, t('trend:marks'))]) : []} from={from} to={to} until={Math.min(now, to)} {...layout}
              />
              <div className="hw-chartbox">
                <TrendChart
                  tags={tags} pens={pens} from={from} to={to} until={now} axes={view.axes} selected={chosen?.id} hidden={view.hidden} limits={limits} band={view.limits}
                  lines={lines} onCursor={setHover} onZoom={window.setSpan} onZoomOut={window.zoomOut} onMove={window.move} onPick={pick}
                  onLayout={onLayout} plotRef={plot}
                />
                {empty ? <div className="hw-chartnote"><Empty title={t('trend:noData')} hint={t('trend:noDataHint')} /></div> : null}
              </div>
            </>
          )}
      </section>
      <CursorLine a={view.a} b={view.b} onClear={() => change({ a: null, b: null })} />
      <section className="hw-panel">
        <PenTable
          tags={tags} pens={pens} a={a} b={view.b} from={from} to={to} selected={chosen?.id ?? 0} hidden={view.hidden} onRemove={onRemove}
          onSelect={(id) => change({ selected: id })}
          onHide={(id) => change(({ hidden }) => ({ hidden: hidden.includes(id) ? hidden.filter((h) => h !== id) : [...hidden, id] }))}
        />
        <p className="hw-doubtkey hw-muted"><i data-kind="bad" />{t('common:status.bad')}<i data-kind="uncertain" />{t('common:status.uncertain')}<i data-kind="none" />{t('common:status.noData')}</p>
      </section>
    </>
  );
}
