import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatDay, formatMinute, formatTime, formatValue, siteZone, titleOf } from '../../lib/format';
import type { Tag } from '../../lib/types';
import { usePreferences } from '../../theme/preferences';
import { PEN_DASH, PENS, token, type ThemeName } from '../../theme/tokens';
import { badStretches, chartData } from './chart-data';
import type { Pen } from './pens';
import './trend.css';

interface Props {
  tags: Tag[];
  pens: Pen[];
  from: number;
  to: number;
  height?: number;
  /** Times drawn as a vertical line, with what they are. */
  lines?: { time: number; label: string }[];
  /** Limits drawn across the chart on the scale of their unit, which then always shows them. */
  limits?: { value: number; unit: string; label: string }[];
  onZoom?: (from: number, to: number) => void;
  onZoomOut?: () => void;
  onCursor?: (time: number | null) => void;
}

const DAY_S = 86_400;
const SERIES_PER_PEN = 3;
const STRIP_PX = 4;
const NARROW_PX = 600;

function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map((s) => {
    const ms = s * 1000;
    if (step >= DAY_S) return formatDay(ms);
    const text = step < 60 ? formatTime(ms) : formatMinute(ms);
    return formatMinute(ms) === '00:00' ? `${formatDay(ms)}\n${text}` : text;
  });
}

function axesOf(units: string[], theme: ThemeName, most: number): uPlot.Axis[] {
  const look = {
    stroke: token(theme, 'muted'), grid: { stroke: token(theme, 'line'), width: 1 }, ticks: { stroke: token(theme, 'line-strong'), width: 1 },
    font: '12px system-ui, sans-serif',
  };
  const y = units.slice(0, most).map((unit, i): uPlot.Axis => ({
    ...look, scale: unit, side: i % 2 === 0 ? 3 : 1, size: 58, label: unit === '1' ? '' : unit, labelSize: 18, labelFont: look.font,
    grid: i ? { show: false } : look.grid,
    values: (_, splits) => splits.map((v) => formatValue(v, splits[0] ?? null, splits.at(-1) ?? null)),
  }));
  return [{ ...look, scale: 'x', values: timeLabels, space: 70, size: 42 }, ...y];
}

function seriesOf(tags: Tag[], theme: ThemeName): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  tags.forEach((tag, i) => {
    const colour = PENS[theme][i] ?? '';
    const edge: uPlot.Series = { scale: tag.unit || '1', stroke: 'transparent', width: 0, points: { show: false } };
    const at = 1 + i * SERIES_PER_PEN;
    const dash = PEN_DASH[i];
    series.push(edge, { ...edge }, {
      scale: tag.unit || '1', stroke: colour, width: 1.6, points: { show: false }, ...(dash ? { dash } : {}),
    });
    bands.push({ series: [at + 1, at], fill: `${colour}3a` });
  });
  return { series, bands };
}

/** Never stretch noise to the full height: at least 1 % of the value's size is shown. */
function yRange(_: uPlot, min: number | null, max: number | null): [number | null, number | null] {
  if (min === null || max === null) return [0, 1];
  const least = Math.max(Math.abs(max), Math.abs(min)) * 0.01 || 1;
  const pad = Math.max(max - min, least) * 0.08;
  const extra = Math.max(0, least - (max - min)) / 2;
  return [min - pad - extra, max + pad + extra];
}

function drawBad(u: uPlot, pens: Pen[], theme: ThemeName): void {
  const { ctx, bbox } = u;
  const strip = STRIP_PX * devicePixelRatio;
  pens.forEach((pen, i) => {
    for (const [a, b] of badStretches(pen)) {
      const left = Math.max(bbox.left, u.valToPos(a / 1000, 'x', true));
      const right = Math.min(bbox.left + bbox.width, u.valToPos(b / 1000, 'x', true));
      if (right <= left) continue;
      ctx.fillStyle = `${token(theme, 'bad')}26`;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.fillStyle = PENS[theme][i] ?? '';
      ctx.fillRect(left, bbox.top + bbox.height - strip * (i + 1), right - left, strip - 1);
    }
  });
}

function drawLines(u: uPlot, lines: NonNullable<Props['lines']>, theme: ThemeName): void {
  const { ctx, bbox } = u;
  for (const [row, { time, label }] of lines.entries()) {
    const x = u.valToPos(time / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = token(theme, 'text');
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = token(theme, 'text');
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = x > bbox.left + bbox.width - 80 * devicePixelRatio ? 'right' : 'left';
    ctx.fillText(label, x + (ctx.textAlign === 'left' ? 4 : -4) * devicePixelRatio, bbox.top + (14 + 16 * row) * devicePixelRatio);
  }
}

function drawLimits(u: uPlot, limits: NonNullable<Props['limits']>, theme: ThemeName): void {
  const { ctx, bbox } = u;
  for (const { value, unit, label } of limits) {
    if (!u.scales[unit]) continue;
    const y = u.valToPos(value, unit, true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = token(theme, 'muted');
    ctx.fillStyle = token(theme, 'text');
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([8 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.fillText(`${label} ${formatValue(value)}`, bbox.left + 4 * devicePixelRatio, y - 4 * devicePixelRatio);
  }
}

export function TrendChart(props: Props) {
  const { t } = useTranslation('trend');
  const { theme } = usePreferences();
  const { tags, pens, from, to, height } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const current = useRef(props);
  current.current = props;
  const structure = tags.map((tag) => `${tag.id}:${tag.unit}`).join();

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const units = [...new Set(current.current.tags.map((tag) => tag.unit || '1'))];
    const size = () => ({ width: Math.max(200, element.clientWidth), height: Math.max(140, element.clientHeight) });
    const u = new uPlot({
      ...size(), ...seriesOf(current.current.tags, theme), axes: axesOf(units, theme, element.clientWidth < NARROW_PX ? 2 : 4), legend: { show: false },
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), siteZone()),
      scales: {
        x: { time: true, range: () => [current.current.from / 1000, current.current.to / 1000] },
        ...Object.fromEntries(units.map((unit) => [unit, { range: ((plotted, min, max) => {
          const values = (current.current.limits ?? []).filter((l) => l.unit === unit).map((l) => l.value);
          if (min === null || max === null || !values.length) return yRange(plotted, min, max);
          return yRange(plotted, Math.min(min, ...values), Math.max(max, ...values));
        }) as uPlot.Range.Function }])),
      },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, bind: {
        dblclick: () => () => { current.current.onZoomOut?.(); return null; },
      } },
      hooks: {
        draw: [(plotted) => {
          drawBad(plotted, current.current.pens, theme);
          drawLines(plotted, current.current.lines ?? [], theme);
          drawLimits(plotted, current.current.limits ?? [], theme);
        }],
        setSelect: [(plotted) => {
          if (plotted.select.width < 8) return;
          const a = plotted.posToVal(plotted.select.left, 'x') * 1000;
          const b = plotted.posToVal(plotted.select.left + plotted.select.width, 'x') * 1000;
          plotted.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          current.current.onZoom?.(a, b);
        }],
        setCursor: [(plotted) => {
          const left = plotted.cursor.left ?? -1;
          current.current.onCursor?.(left < 0 ? null : plotted.posToVal(left, 'x') * 1000);
        }],
      },
    }, chartData(current.current.pens), element);
    plot.current = u;
    const observer = new ResizeObserver(() => u.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [structure, theme]);

  useEffect(() => { plot.current?.setData(chartData(pens)); }, [pens, from, to]);

  return (
    <div
      ref={box} className="hw-chart" data-testid="trend-canvas" data-from={Math.round(from)} data-to={Math.round(to)} role="img"
      data-points={pens.reduce((n, pen) => n + pen.time.length, 0)}
      style={height ? { height } : undefined} aria-label={t('trend:chart', { tags: tags.map((tag) => titleOf(tag.title)).join(', ') })}
    />
  );
}
