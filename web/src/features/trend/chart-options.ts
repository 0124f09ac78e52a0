/** Axes, scales and series of a trend chart. */
import type uPlot from 'uplot';
import { formatDay, formatMinute, formatTime, formatValue, unitText } from '../../lib/format';
import type { Tag } from '../../lib/types';
import { PEN_DASH, PENS, token, type ThemeName } from '../../theme/tokens';

const DAY_S = 86_400;
const SERIES_PER_PEN = 3;
const MANY = 4;

export interface Look {
  tags: Tag[];
  theme: ThemeName;
  axes: 'unit' | 'own';
  selected: number;
  hidden: readonly number[];
  /** How many y axes there is room for. */
  room: number;
}

export const scaleOf = (tag: Tag, axes: Look['axes']): string => (axes === 'own' ? `pen${tag.id}` : tag.unit || '1');

function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map((s) => {
    const ms = s * 1000;
    if (step >= DAY_S) return formatDay(ms);
    const text = step < 60 ? formatTime(ms) : formatMinute(ms);
    return formatMinute(ms) === '00:00' ? `${formatDay(ms)}\n${text}` : text;
  });
}

/** The tags whose scale gets an axis: the selected first, then in order, one a scale, as many as there is room for. */
function axisTags({ tags, axes, selected, hidden, room }: Look): Tag[] {
  const shown = tags.filter((tag) => !hidden.includes(tag.id));
  const order = [...shown.filter((tag) => tag.id === selected), ...shown.filter((tag) => tag.id !== selected)];
  const found = new Map<string, Tag>();
  for (const tag of order) if (!found.has(scaleOf(tag, axes))) found.set(scaleOf(tag, axes), tag);
  return [...found.values()].slice(0, room);
}

export function axesOf(look: Look): uPlot.Axis[] {
  const { theme, axes, tags } = look;
  const font = '12px system-ui, sans-serif';
  const common = {
    stroke: token(theme, 'muted'), grid: { stroke: token(theme, 'line'), width: 1 }, ticks: { stroke: token(theme, 'line-strong'), width: 1 }, font,
  };
  const narrow = look.room < 3;
  const y = axisTags(look).map((tag, i): uPlot.Axis => {
    const unit = unitText(tag.unit);
    const own = axes === 'own' && tags.length > 1;
    return {
      ...common, scale: scaleOf(tag, axes), side: i % 2 === 0 ? 3 : 1, size: narrow ? 42 : 58, labelSize: narrow ? 14 : 18, labelFont: own ? `600 ${font}` : font,
      label: own ? `${tag.code} ${unit}`.trim() : unit, ...(own ? { stroke: PENS[theme][tags.indexOf(tag)] ?? common.stroke } : {}),
      grid: i ? { show: false } : common.grid,
      values: (_, splits) => splits.map((v) => formatValue(v, splits[0] ?? null, splits.at(-1) ?? null)),
    };
  });
  return [{ ...common, scale: 'x', values: timeLabels, space: 70, size: 42 }, ...y];
}

export function seriesOf({ tags, theme, axes, selected, hidden }: Look): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  const shade = tags.length > MANY ? '22' : '3a';
  tags.forEach((tag, i) => {
    const colour = PENS[theme][i] ?? '';
    const scale = scaleOf(tag, axes);
    const show = !hidden.includes(tag.id);
    const edge: uPlot.Series = { scale, show, stroke: 'transparent', width: 0, points: { show: false } };
    const at = 1 + i * SERIES_PER_PEN;
    const dash = PEN_DASH[i];
    series.push(edge, { ...edge }, {
      scale, show, stroke: colour, width: tag.id === selected && tags.length > 1 ? 2.6 : 1.6, points: { show: false }, ...(dash ? { dash } : {}),
    });
    bands.push({ series: [at + 1, at], fill: `${colour}${shade}` });
  });
  return { series, bands };
}

/** Never stretch noise to the full height: at least 1 % of the value's size is shown. `also` must be on the scale. */
export function yRange(min: number | null, max: number | null, also: readonly number[]): [number, number] {
  const all = [min, max, ...also].filter((v): v is number => v !== null && Number.isFinite(v));
  if (!all.length) return [0, 1];
  const low = Math.min(...all);
  const high = Math.max(...all);
  const least = Math.max(Math.abs(high), Math.abs(low)) * 0.01 || 1;
  const pad = Math.max(high - low, least) * 0.08;
  const extra = Math.max(0, least - (high - low)) / 2;
  return [low - pad - extra, high + pad + extra];
}
