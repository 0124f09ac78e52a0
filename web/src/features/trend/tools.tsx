import { DownloadOutlined, PictureOutlined } from '@ant-design/icons';
import { Button, Segmented, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { formatDateTime } from '../../lib/format';
import type { Change, View } from './state';

/** How the chart is drawn, and what can be taken away from it. */
export function Tools({ view, change, many, middle, busy, onCsv, onPng }: {
  view: View; change: Change; many: boolean; middle: number; busy: boolean; onCsv: () => void; onPng: () => void;
}) {
  const { t } = useTranslation('trend');
  const switches = [
    ['limits', view.limits, () => change({ limits: !view.limits })],
    ['marks', view.marks, () => change({ marks: !view.marks })],
    ['second', view.b !== null, () => change((now) => (now.b === null ? both(now, middle) : { b: null }))],
  ] as const;
  return (
    <div className="hw-trendtools">
      {many ? (
        <Segmented<string>
          value={view.axes} onChange={(axes) => change({ axes: axes as View['axes'] })} aria-label={t('trend:axes.label')}
          options={(['unit', 'own'] as const).map((value) => ({ value, label: t(`trend:axes.${value}`) }))}
        />
      ) : null}
      {switches.map(([name, on, toggle]) => (
        <label key={name} className="hw-switch">
          <Switch size="small" checked={on} onChange={toggle} data-testid={`trend-${name}`} aria-label={t(`trend:${name}`)} /> <span>{t(`trend:${name}`)}</span>
        </label>
      ))}
      <span className="hw-actions">
        <Button icon={<DownloadOutlined />} data-testid="trend-csv" loading={busy} onClick={onCsv}>{t('trend:csv')}</Button>
        <Button icon={<PictureOutlined />} data-testid="trend-png" onClick={onPng}>{t('trend:png')}</Button>
      </span>
    </div>
  );
}

/** Both cursors where something can be seen of each: the next click takes the second one along. */
function both(view: View, middle: number): Partial<View> {
  const a = view.a ?? middle;
  return { a, b: a + 1 };
}

/** Time between the cursors, in the largest units that say it exactly. */
export function spanText(ms: number): string {
  const s = Math.abs(ms) / 1000;
  const parts = [Math.floor(s / 86_400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  const [d = 0, h = 0, m = 0] = parts;
  const rest = s % 60;
  const clock = `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}:${rest.toFixed(s < 60 ? 3 : 0).padStart(s < 60 ? 6 : 2, '0')}`;
  return `${ms < 0 ? '-' : ''}${d ? `${d} d ` : ''}${clock}`;
}

/** The two cursors in words; times can be read out and copied. */
export function CursorLine({ a, b, onClear }: { a: number | null; b: number | null; onClear: () => void }) {
  const { t } = useTranslation('trend');
  if (a === null) return <p className="hw-muted hw-cursorline">{t(matchMedia('(pointer: coarse)').matches ? 'trend:hintTouch' : 'trend:hint')}</p>;
  return (
    <p className="hw-cursorline hw-num" data-testid="trend-cursors">
      <span>{t('trend:cursorA')} <b>{formatDateTime(a)}</b></span>
      {b === null ? null : <span>{t('trend:cursorB')} <b>{formatDateTime(b)}</b></span>}
      {b === null ? null : <span data-testid="trend-delta">{t('trend:delta')} <b>{spanText(b - a)}</b></span>}
      <Button size="small" type="text" onClick={onClear}>{t('trend:clear')}</Button>
    </p>
  );
}
