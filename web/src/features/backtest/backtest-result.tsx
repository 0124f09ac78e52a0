import { DownloadOutlined } from '@ant-design/icons';
import { useQueries } from '@tanstack/react-query';
import { Button, Segmented } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PriorityMark } from '../../components/priority';
import { Empty, Loading } from '../../components/states';
import { formatCount, formatDateTime, formatValue, titleOf } from '../../lib/format';
import { tagQuery } from '../../lib/queries';
import type { Tag } from '../../lib/types';
import { MAX_PENS } from '../../theme/tokens';
import { modelQuery, tagsOf } from '../models/api';
import { saveCsv, stampOf } from '../trend/export';
import { TrendView } from '../trend/trend-view';
import { csvRows, lanesOf, rowsOf, type Match, type Result, type Row } from './result';
import './backtest.css';

export type { Result };

const COLUMNS = ['priority', 'model', 'alarm', 'raised', 'cleared', 'value', 'match'] as const;
const STEP = 200;

/** The tags of the models, read as they are now; a model that is gone has none. */
function useTags(result: Result): { tags: Tag[]; pending: boolean } {
  const models = useQueries({ queries: result.models.map((m) => modelQuery(m.id)) });
  const ids = [...new Set(models.flatMap((m) => (m.data ? tagsOf(m.data).map((tag) => tag.id) : [])))].slice(0, MAX_PENS);
  const tags = useQueries({ queries: ids.map(tagQuery) });
  return {
    tags: tags.map((q) => q.data).filter((tag): tag is Tag => tag !== undefined), pending: models.some((q) => q.isPending) || tags.some((q) => q.isPending),
  };
}

function Compare({ result }: { result: Result }) {
  const { t } = useTranslation('backtest');
  const { same, only_backtest: more, only_live: less } = result.compare;
  const counts = { same, only_backtest: result.compare.only_backtest_total ?? more.length, only_live: result.compare.only_live_total ?? less.length };
  return (
    <section className="hw-panel hw-compare" data-testid="backtest-compare" data-same={same} data-only-backtest={counts.only_backtest} data-only-live={counts.only_live}>
      <p className="hw-compareword">{t(more.length || less.length ? 'backtest:compare.differs' : same ? 'backtest:compare.equal' : 'backtest:compare.none')}</p>
      <ul>
        {(Object.keys(counts) as (keyof typeof counts)[]).map((name) => (
          <li key={name}>
            <b className="hw-num">{formatCount(counts[name])}</b>
            <span>{t(`backtest:match.${name}`)}</span>
            <small className="hw-muted">{t(`backtest:meaning.${name}`)}</small>
          </li>
        ))}
      </ul>
      <p className="hw-muted">
        {t('backtest:facts', {
          ticks: formatCount(result.ticks), lead: formatCount(result.lead_ticks), evaluations: formatCount(result.evaluations), seconds: result.elapsed_s.toFixed(1),
        })}
      </p>
    </section>
  );
}

/** Without a tick there is nothing to compare: this says why, so that nobody takes it for a span without alarms. */
function Nothing({ empty }: { empty: NonNullable<Result['empty']> }) {
  const { t } = useTranslation('backtest');
  return (
    <section className="hw-panel hw-compare" role="status" data-testid="backtest-empty" data-code={empty.code}>
      <p className="hw-compareword">{t('backtest:nothing')}</p>
      <p>{empty.text}</p>
    </section>
  );
}

function AlarmRow({ row }: { row: Row }) {
  const { t } = useTranslation('backtest');
  return (
    <tr data-testid="backtest-alarm-row" data-model={row.code} data-condition={row.condition} data-raised={row.raised_ms} data-match={row.match}>
      <td data-label={t('backtest:columns.priority')}><PriorityMark priority={row.priority} hollow={row.match === 'only_live'} /></td>
      <td data-label={t('backtest:columns.model')}><Link to={`/models/${row.model}`}>{row.code}</Link></td>
      <th scope="row">{titleOf(row.title)} <span className="hw-code">{row.condition}</span></th>
      <td data-label={t('backtest:columns.raised')} className="hw-num">{formatDateTime(row.raised_ms)}</td>
      <td data-label={t('backtest:columns.cleared')} className="hw-num">{row.cleared_ms === null ? t('backtest:standing') : formatDateTime(row.cleared_ms)}</td>
      <td data-label={t('backtest:columns.value')} className="hw-num hw-right">{row.value === null ? '' : formatValue(row.value)}</td>
      <td data-label={t('backtest:columns.match')}><span className="hw-badge" data-quiet={row.match === 'same'} data-dashed={row.match === 'only_live'}>{t(`backtest:match.${row.match}`)}</span></td>
    </tr>
  );
}

function Alarms({ result, rows }: { result: Result; rows: Row[] }) {
  const { t } = useTranslation('backtest');
  const [which, setWhich] = useState<Match | 'all'>('all');
  const [most, setMost] = useState(STEP);
  const shown = rows.filter((r) => which === 'all' || r.match === which);
  const cut = result.alarms_total - result.alarms.length;
  const save = () => saveCsv(
    `backtest_${result.models[0]?.code ?? ''}_${stampOf(result.from_ms)}-${stampOf(result.to_ms)}`,
    csvRows(rows, (['model', 'condition', 'alarm', 'priority', 'raised', 'cleared', 'value', 'match'] as const).map((c) => t(`backtest:columns.${c}`)), (m) => t(`backtest:match.${m}`)),
  );
  return (
    <section className="hw-panel">
      <header className="hw-backtesthead">
        <h2>{t('backtest:alarms', { n: formatCount(result.alarms_total) })}</h2>
        <Segmented<string>
          value={which} onChange={(v) => setWhich(v as Match | 'all')} aria-label={t('backtest:columns.match')}
          options={(['all', 'same', 'only_backtest', 'only_live'] as const).map((value) => ({ value, label: t(`backtest:match.${value}`) }))}
        />
        <Button icon={<DownloadOutlined />} onClick={save} data-testid="backtest-csv">{t('backtest:csv')}</Button>
      </header>
      {cut > 0 ? <p className="hw-note">{t('backtest:cut', { shown: formatCount(result.alarms.length), all: formatCount(result.alarms_total) })}</p> : null}
      {shown.length ? (
        <div className="hw-tablewrap">
          <table className="hw-rows">
            <thead><tr>{COLUMNS.map((c) => <th key={c} scope="col" className={c === 'value' ? 'hw-right' : undefined}>{t(`backtest:columns.${c}`)}</th>)}</tr></thead>
            <tbody>{shown.slice(0, most).map((r) => <AlarmRow key={`${r.match}${r.model}${r.condition}${r.raised_ms}`} row={r} />)}</tbody>
          </table>
        </div>
      ) : <Empty title={t('backtest:none')} hint={t('backtest:noneHint')} />}
      {shown.length > most ? <p className="hw-foot"><Button onClick={() => setMost(most + STEP)}>{t('backtest:more', { n: shown.length - most })}</Button></p> : null}
    </section>
  );
}

/** The alarms the models would have raised: compared with those they did raise, over their signals, and as a table. */
export function BacktestResult({ result }: { result: Result }) {
  const { t } = useTranslation('backtest');
  const { tags, pending } = useTags(result);
  const rows = useMemo(() => rowsOf(result), [result]);
  const lanes = lanesOf(rows, (name) => t(name === 'backtest' || name === 'live' ? `backtest:lane.${name}` : `backtest:match.${name}`));
  return (
    <>
      {result.empty ? <Nothing empty={result.empty} /> : <Compare result={result} />}
      {pending ? <Loading rows={6} /> : tags.length
        ? <TrendView tags={tags} fallback={{ from: result.from_ms, to: result.to_ms }} lanes={lanes} /> : null}
      {result.empty && !rows.length ? null : <Alarms result={result} rows={rows} />}
    </>
  );
}
