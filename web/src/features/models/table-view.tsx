/** Tables of numbers: a curve as a small plot, anything else as rows. */
import { useTranslation } from 'react-i18next';

const W = 170;
const H = 34;

/** Two columns of which the first goes up: a curve. */
export const isCurve = (rows: number[][]): boolean =>
  rows.length > 1 && rows.every((r, n) => r.length === 2 && (n === 0 || (r[0] ?? 0) > (rows[n - 1]?.[0] ?? 0)));

const short = (value: number): string => String(Number(value.toPrecision(4)));

function bounds(values: number[]): [number, number] {
  return values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
}

function Curve({ rows, label }: { rows: number[][]; label: string }) {
  const [x0, x1] = bounds(rows.map((r) => r[0] ?? 0));
  const [y0, y1] = bounds(rows.map((r) => r[1] ?? 0));
  const at = (value: number, low: number, high: number) => (high > low ? (value - low) / (high - low) : 0.5);
  const points = rows.map((r) => [3 + at(r[0] ?? 0, x0, x1) * (W - 6), H - 3 - at(r[1] ?? 0, y0, y1) * (H - 6)] as const);
  return (
    <svg className="hw-curve" viewBox={`0 0 ${W} ${H}`} role="img" aria-label={label} preserveAspectRatio="none" data-testid="table-curve">
      <polyline points={points.map((p) => p.join()).join(' ')} fill="none" stroke="currentColor" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
      {rows.length <= 24 ? (
        <path d={points.map(([x, y]) => `M${x} ${y}h0`).join('')} stroke="currentColor" strokeWidth="5" strokeLinecap="round" vectorEffect="non-scaling-stroke" />
      ) : null}
    </svg>
  );
}

/** What fits into a node: the curve with its ends, or how large the table is. */
export function TableBrief({ rows }: { rows: number[][] }) {
  const { t } = useTranslation('models');
  const size = t('models:table.size', { rows: rows.length, columns: rows[0]?.length ?? 0 });
  if (!isCurve(rows)) return <div className="hw-noderow"><span>{t('models:table.name')}</span><b className="hw-num">{size}</b></div>;
  const [x0, x1] = bounds(rows.map((r) => r[0] ?? 0));
  const [y0, y1] = bounds(rows.map((r) => r[1] ?? 0));
  const label = t('models:table.curve', { x0: short(x0), x1: short(x1), y0: short(y0), y1: short(y1) });
  return (
    <div className="hw-tablebrief" title={label}>
      <Curve rows={rows} label={label} />
      <div className="hw-num"><span>{short(x0)}</span><span>{short(x1)}</span></div>
    </div>
  );
}

/** The whole table, with its curve if it is one. */
export function TableWhole({ rows, title }: { rows: number[][]; title: string }) {
  const { t } = useTranslation('models');
  return (
    <div className="hw-tablewhole">
      {isCurve(rows) ? <TableBrief rows={rows} /> : null}
      <div className="hw-tablerows" role="region" aria-label={title} tabIndex={0}>
        <table className="hw-table hw-num">
          <caption>{title} {t('models:table.size', { rows: rows.length, columns: rows[0]?.length ?? 0 })}</caption>
          <tbody>{rows.map((r, n) => <tr key={n}>{r.map((v, c) => <td key={c} className="hw-right">{short(v)}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </div>
  );
}
