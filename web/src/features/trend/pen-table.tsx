import { CloseOutlined, EyeInvisibleOutlined, EyeOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { QualityMark, Value } from '../../components/value';
import { decimalsFor, formatNumber, formatTime, formatValue, formatWhen, titleOf } from '../../lib/format';
import { quality, statusKey } from '../../lib/status';
import type { Tag } from '../../lib/types';
import { usePartitionNow, usePoint } from '../../live/hooks';
import { usePreferences } from '../../theme/preferences';
import { PEN_DASH, PENS } from '../../theme/tokens';
import { gapOf } from './chart-data';
import { indexAt, type Pen } from './pens';

interface Reading {
  /** Null: bad, or nothing there. */
  value: number | null;
  status: string;
  time: number | null;
}

/** What a pen showed at a time: the sample at or before, unless the tag had been silent for too long. */
export function readingAt(pen: Pen | undefined, time: number | null, staleness: number): Reading | null {
  if (!pen || time === null) return null;
  const at = indexAt(pen, time);
  const seen = pen.time[at];
  if (seen === undefined || time - seen > gapOf(pen, staleness)) return { value: null, status: 'noData', time: null };
  const status = pen.status[at] ?? 0;
  return { value: quality(status) === 'bad' ? null : (pen.mean[at] ?? null), status: statusKey(status), time: seen };
}

function ends(pen: Pen | undefined, from: number, to: number): [number | null, number | null] {
  let low = Infinity;
  let high = -Infinity;
  pen?.time.forEach((time, i) => {
    if (time < from || time > to || quality(pen.status[i] ?? 0) === 'bad') return;
    low = Math.min(low, pen.min[i] ?? Infinity);
    high = Math.max(high, pen.max[i] ?? -Infinity);
  });
  return low <= high ? [low, high] : [null, null];
}

interface RowProps {
  tag: Tag;
  pen: Pen | undefined;
  place: number;
  a: number | null;
  b: number | null;
  from: number;
  to: number;
  selected: boolean;
  hidden: boolean;
  onSelect?: () => void;
  onHide?: () => void;
  onRemove?: () => void;
}

function difference(tag: Tag, a: Reading | null, b: Reading | null): string {
  if (!a || !b || a.value === null || b.value === null) return '';
  const by = b.value - a.value;
  return `${by > 0 ? '+' : ''}${formatNumber(by, Math.min(4, decimalsFor(tag.low, tag.high, a.value) + 1))}`;
}

function PenRow({ tag, pen, place, a, b, from, to, selected, hidden, onSelect, onHide, onRemove }: RowProps) {
  const { t } = useTranslation('trend');
  const { theme } = usePreferences();
  const point = usePoint(tag.id);
  const { now } = usePartitionNow(tag.partition);
  const atA = readingAt(pen, a, tag.staleness_ms);
  const atB = readingAt(pen, b, tag.staleness_ms);
  const text = (value: number | null) => formatValue(value, tag.low, tag.high);
  const [low, high] = ends(pen, from, to);
  return (
    <tr data-testid="trend-row" data-tag={tag.code} data-selected={selected} data-hidden={hidden}>
      <th scope="row">
        <button type="button" className="hw-penpick" aria-pressed={selected} aria-label={t('trend:select', { code: tag.code })} onClick={onSelect}>
          <svg width="26" height="10" aria-hidden="true">
            <line x1="0" x2="26" y1="5" y2="5" stroke={PENS[theme][place]} strokeWidth="3" strokeDasharray={PEN_DASH[place]?.join(' ')} />
          </svg>
        </button>
        <span className="hw-penname"><Link to={`/tags/${tag.id}`}>{titleOf(tag.title)}</Link> <span className="hw-code">{tag.code}</span></span>
      </th>
      <td className="hw-right" data-label={t('trend:now')}><Value tag={tag} point={point} now={now} /></td>
      <td data-label={t('trend:quality')}><QualityMark tag={tag} point={point} now={now} /></td>
      <td className="hw-right hw-num hw-strong" data-testid="cursor-value" data-label={t('trend:cursor')}>{atA ? text(atA.value) : ''}</td>
      <td data-testid="cursor-status" data-label={t('trend:status')}>{atA ? <span className={atA.status === 'good' ? 'hw-muted' : 'hw-quality'}>{t(`common:status.${atA.status}`)}</span> : null}</td>
      <td className="hw-num hw-muted" data-testid="cursor-time" data-label={t('trend:sampleTime')}>{atA?.time ? formatTime(atA.time) : ''}</td>
      {b === null ? null : (
        <>
          <td className="hw-right hw-num" data-testid="second-value" data-label={t('trend:cursorB')}>{atB ? text(atB.value) : ''}</td>
          <td className="hw-right hw-num hw-strong" data-testid="trend-difference" data-label={t('trend:difference')}>{difference(tag, atA, atB)}</td>
        </>
      )}
      <td className="hw-right hw-num hw-muted hw-ends">{text(low)}</td>
      <td className="hw-right hw-num hw-muted hw-ends">{text(high)}</td>
      {onRemove ? (
        <td className="hw-right hw-penacts">
          <Button
            type="text" size="small" icon={hidden ? <EyeInvisibleOutlined /> : <EyeOutlined />} onClick={onHide} aria-pressed={hidden}
            aria-label={t(hidden ? 'trend:show' : 'trend:hide', { code: tag.code })}
          />
          <Button type="text" size="small" icon={<CloseOutlined />} aria-label={t('trend:remove', { code: tag.code })} data-testid="trend-remove" onClick={onRemove} />
        </td>
      ) : null}
    </tr>
  );
}

interface Props {
  tags: Tag[];
  pens: Pen[];
  /** Times of the two cursors. */
  a: number | null;
  b: number | null;
  from: number;
  to: number;
  selected: number;
  hidden: readonly number[];
  onSelect?: (id: number) => void;
  onHide?: (id: number) => void;
  onRemove?: (id: number) => void;
}

/** The pens with their values now, under the cursors, and the ends of what is shown. */
export function PenTable({ tags, pens, a, b, onSelect, onHide, onRemove, selected, hidden, ...span }: Props) {
  const { t } = useTranslation('trend');
  const { now } = usePartitionNow(tags[0]?.partition);
  return (
    <div className="hw-pentable" tabIndex={0} role="region" aria-label={t('trend:table')}>
      <table className="hw-table" data-testid="trend-table">
        <thead>
          <tr>
            <th scope="col">{t('trend:pen')}</th>
            <th scope="col" className="hw-right">{t('trend:now')}</th>
            <th scope="col">{t('trend:quality')}</th>
            <th scope="col" className="hw-right hw-num">{a === null ? t('trend:cursor') : formatWhen(a, now)}</th>
            <th scope="col">{t('trend:status')}</th>
            <th scope="col">{t('trend:sampleTime')}</th>
            {b === null ? null : (
              <>
                <th scope="col" className="hw-right hw-num">{formatWhen(b, now)}</th>
                <th scope="col" className="hw-right">{t('trend:difference')}</th>
              </>
            )}
            <th scope="col" className="hw-right hw-ends">{t('trend:min')}</th>
            <th scope="col" className="hw-right hw-ends">{t('trend:max')}</th>
            {onRemove ? <th scope="col"><span className="hw-sr">{t('trend:removeColumn')}</span></th> : null}
          </tr>
        </thead>
        <tbody>
          {tags.map((tag, i) => (
            <PenRow
              key={tag.id} tag={tag} pen={pens.find((p) => p.id === tag.id)} place={i} a={a} b={b} {...span}
              selected={tag.id === selected} hidden={hidden.includes(tag.id)} onSelect={onSelect ? () => onSelect(tag.id) : undefined}
              onHide={onHide ? () => onHide(tag.id) : undefined} onRemove={onRemove ? () => onRemove(tag.id) : undefined}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}
