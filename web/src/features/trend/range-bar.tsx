import { LeftOutlined, PlayCircleOutlined, RightOutlined, ZoomInOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { Button, DatePicker, Segmented } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { formatDateTime, zoneOffsetMs } from '../../lib/format';
import { RANGES, type Range, type Window } from './window';

/** The picker knows only the browser's zone: it is given, and gives back, the wall time of the site. */
export const toPicker = (ms: number): Dayjs => dayjs(formatDateTime(ms));

export function fromPicker(day: Dayjs): number {
  const wall = Date.parse(`${day.format('YYYY-MM-DDTHH:mm:ss')}Z`);
  return wall - zoneOffsetMs(wall - zoneOffsetMs(wall));
}

/** A phone's own picker is better than ours; it speaks "2026-11-21T07:05:09". */
function NativeSpan({ window: w }: { window: Window }) {
  const { t } = useTranslation('trend');
  const text = (ms: number) => formatDateTime(ms).replace(' ', 'T');
  const set = (part: 'from' | 'to') => (event: { target: { value: string } }) => {
    if (event.target.value) w.setSpan(...([{ ...w.shown, [part]: fromPicker(dayjs(event.target.value)) }].map((s) => [s.from, s.to])[0] as [number, number]));
  };
  return (
    <span className="hw-rangenative">
      {(['from', 'to'] as const).map((part) => (
        <input
          key={`${part}${w.follow}`} type="datetime-local" step={1} aria-label={t(`trend:range.${part}`)} value={text(w.shown[part])} onChange={set(part)}
        />
      ))}
    </span>
  );
}

export function RangeBar({ window: w }: { window: Window }) {
  const { t } = useTranslation('trend');
  const { from, to } = w.shown;
  return (
    <div className="hw-rangebar">
      <span className="hw-rangenames">
        <Segmented<string>
          value={w.range ?? ''} onChange={(r) => w.setRange(r as Range)} aria-label={t('trend:range.label')}
          options={Object.keys(RANGES).map((r) => ({ value: r, label: t(`trend:range.${r}`) }))}
        />
      </span>
      <span className="hw-rangestep">
        <Button icon={<LeftOutlined />} aria-label={t('trend:earlier')} title={t('trend:earlier')} onClick={() => w.shift(-0.5)} />
        <Button icon={<ZoomInOutlined />} aria-label={t('trend:zoomIn')} title={t('trend:zoomIn')} onClick={() => w.setSpan(from + (to - from) / 4, to - (to - from) / 4)} />
        <Button icon={<ZoomOutOutlined />} aria-label={t('trend:zoomOut')} title={t('trend:zoomOut')} onClick={w.zoomOut} />
        <Button icon={<RightOutlined />} aria-label={t('trend:later')} title={t('trend:later')} onClick={() => w.shift(0.5)} />
      </span>
      <span className="hw-rangepick" data-testid="trend-span">
        <DatePicker.RangePicker
          showTime allowClear={false} format="YYYY-MM-DD HH:mm:ss" aria-label={t('trend:range.custom')}
          placeholder={[t('trend:range.from'), t('trend:range.to')]}
          value={w.follow ? null : [toPicker(from), toPicker(to)]}
          onChange={(days) => { if (days?.[0] && days[1]) w.setSpan(fromPicker(days[0]), fromPicker(days[1])); }}
        />
      </span>
      <NativeSpan window={w} />
      {w.follow
        ? <span className="hw-muted hw-follow" data-testid="trend-following">{t('trend:following')}</span>
        : <Button icon={<PlayCircleOutlined />} data-testid="trend-follow" onClick={() => w.setRange('1h')}>{t('trend:follow')}</Button>}
    </div>
  );
}
