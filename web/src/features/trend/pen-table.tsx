import { CloseOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { QualityMark, Value } from '../../components/value';
import { formatValue, formatWhen, titleOf } from '../../lib/format';
import { quality } from '../../lib/status';
import type { Tag } from '../../lib/types';
import { usePartitionNow, usePoint } from '../../live/hooks';
import { usePreferences } from '../../theme/preferences';
import { PEN_DASH, PENS } from '../../theme/tokens';
import { indexAt, type Pen } from './pens';

function PenRow({ tag, pen, place, cursor, onRemove }: {
  tag: Tag; pen: Pen | undefined; place: number; cursor: number | null; onRemove?: () => void;
}) {
  const { t } = useTranslation('trend');
  const { theme } = usePreferences();
  const point = usePoint(tag.id);
  const { now } = usePartitionNow(tag.partition);
  const at = pen && cursor !== null ? indexAt(pen, cursor) : -1;
  const bad = at >= 0 && quality(pen?.status[at] ?? 0) === 'bad';
  const text = (value: number | null | undefined) => (at < 0 ? '' : formatValue(value ?? null, tag.low, tag.high));
  return (
    <tr>
      <th scope="row">
        <svg width="26" height="10" aria-hidden="true">
          <line x1="0" x2="26" y1="5" y2="5" stroke={PENS[theme][place]} strokeWidth="3" strokeDasharray={PEN_DASH[place]?.join(' ')} />
        </svg>
        <Link to={`/tags/${tag.id}`}>{titleOf(tag.title)}</Link> <span className="hw-code">{tag.code}</span>
      </th>
      <td className="hw-right"><Value tag={tag} point={point} now={now} /></td>
      <td><QualityMark tag={tag} point={point} now={now} /></td>
      <td className="hw-right hw-num" data-testid="cursor-value">{bad ? t('trend:bad') : text(pen?.mean[at])}</td>
      <td className="hw-right hw-num hw-muted">{text(pen?.min[at])}</td>
      <td className="hw-right hw-num hw-muted">{text(pen?.max[at])}</td>
      {onRemove ? (
        <td className="hw-right"><Button type="text" size="small" icon={<CloseOutlined />} aria-label={t('trend:remove', { code: tag.code })} onClick={onRemove} /></td>
      ) : null}
    </tr>
  );
}

/** The pens with their values now and under the cursor. */
export function PenTable({ tags, pens, cursor, onRemove }: {
  tags: Tag[]; pens: Pen[]; cursor: number | null; onRemove?: (id: number) => void;
}) {
  const { t } = useTranslation('trend');
  const { now } = usePartitionNow(tags[0]?.partition);
  return (
    <div className="hw-pentable">
      <table className="hw-table">
        <thead>
          <tr>
            <th scope="col">{t('trend:pen')}</th>
            <th scope="col" className="hw-right">{t('trend:now')}</th>
            <th scope="col">{t('trend:quality')}</th>
            <th scope="col" className="hw-right hw-num">{cursor === null ? t('trend:cursor') : formatWhen(cursor, now)}</th>
            <th scope="col" className="hw-right">{t('trend:min')}</th>
            <th scope="col" className="hw-right">{t('trend:max')}</th>
            {onRemove ? <th scope="col"><span className="hw-sr">{t('trend:removeColumn')}</span></th> : null}
          </tr>
        </thead>
        <tbody>
          {tags.map((tag, i) => (
            <PenRow
              key={tag.id} tag={tag} pen={pens.find((p) => p.id === tag.id)} place={i} cursor={cursor}
              onRemove={onRemove ? () => onRemove(tag.id) : undefined}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}
