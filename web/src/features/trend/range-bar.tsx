import { LeftOutlined, RightOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { Button, DatePicker, Segmented } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { formatDateTime, zoneOffsetMs } from '../../lib/format';
import { RANGES, type Range, type Window } from './window';

/** The picker knows only the browser's zone: it is given, and gives back, the wall time of the site. */
const toPicker = (ms: number): Dayjs => dayjs(formatDateTime(ms));

function fromPicker(day: Dayjs): number {
  const wall = Date.parse(`${day.format('YYYY-MM-DDTHH:mm:ss')}Z`);
  return wall - zoneOffsetMs(wall - zoneOffsetMs(wall));
}

export function RangeBar({ window: w }: { window: Window }) {
  const { t } = useTranslation('trend');
  return (
    <div className="hw-rangebar">
      <Segmented<string>
        value={w.range ?? ''} onChange={(r) => w.setRange(r as Range)} aria-label={t('trend:range.label')}
        options={Object.keys(RANGES).map((r) => ({ value: r, label: t(`trend:range.${r}`) }))}
      />
      <span className="hw-rangestep">
        <Button icon={<LeftOutlined />} aria-label={t('trend:earlier')} onClick={() => w.shift(-0.5)} />
        <Button icon={<ZoomOutOutlined />} aria-label={t('trend:zoomOut')} onClick={w.zoomOut} />
        <Button icon={<RightOutlined />} aria-label={t('trend:later')} onClick={() => w.shift(0.5)} />
      </span>
      <span className="hw-rangepick">
        <DatePicker.RangePicker
          showTime allowClear={false} format="YYYY-MM-DD HH:mm:ss" aria-label={t('trend:range.custom')}
          placeholder={[t('trend:range.from'), t('trend:range.to')]}
          value={w.follow ? null : [toPicker(w.shown.from), toPicker(w.shown.to)]}
          onChange={(days) => { if (days?.[0] && days[1]) w.setSpan(fromPicker(days[0]), fromPicker(days[1])); }}
        />
      </span>
      <span className="hw-muted hw-follow">{t(w.follow ? 'trend:following' : 'trend:fixed')}</span>
    </div>
  );
}
