/** A trend as a file: numbers for a spreadsheet, a picture for a report. */
import { formatDateTime, formatDay, formatMinute, formatTime, siteZone, titleOf, unitText, zoneLabel } from '../../lib/format';
import { quality, statusKey } from '../../lib/status';
import type { History, Tag } from '../../lib/types';
import { PEN_DASH, PENS, token, type ThemeName } from '../../theme/tokens';
import { gapOf } from './chart-data';
import { indexAt } from './pens';

const BOM = '\ufeff';
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
export const EXPORT_ROWS = 5000;

function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  // A text that a spreadsheet would take for a formula is made a text again.
  const text = /^[=+@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csvOf = (rows: (string | number | null)[][]): string => `${BOM}${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;

export function saveBlob(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export const saveCsv = (name: string, rows: (string | number | null)[][]): void =>
  saveBlob(`${name}.csv`, new Blob([csvOf(rows)], { type: 'text/csv;charset=utf-8' }));

export const stampOf = (ms: number): string => formatDateTime(ms).replaceAll(/[-:]/g, '').replace(' ', '_');

/** Seven digits: more than any transmitter has, without the tail of binary fractions. */
const exact = (value: number | null): number | null => (value === null ? null : Number(value.toPrecision(7)));

interface Words {
  time: string;
  status: string;
  statusText: (key: string) => string;
}

/**
 * All pens on one time axis. Each row holds what each tag had then: the last sample at or before, with its quality; nothing
 * and "no data" where the tag had been silent for longer than a gap. A bad value keeps its quality and gives no number.
 */
export function trendRows(tags: Tag[], series: History[], from: number, to: number, words: Words): (string | number | null)[][] {
  const seconds = Math.max(1, (to - from) / 1000 / EXPORT_ROWS);
  const step = 1000 * (STEPS_S.find((s) => s >= seconds) ?? Math.ceil(seconds));
  const pens = tags.map((tag) => {
    const found = series.find((h) => h.tag === tag.id) ?? { tag: tag.id, time_ms: [], min: [], max: [], mean: [], status: [] };
    const pen = { id: tag.id, time: found.time_ms, min: found.min, max: found.max, mean: found.mean, status: found.status };
    return { pen, gap: gapOf(pen, tag.staleness_ms) };
  });
  const head = [`${words.time} (${zoneLabel(from)})`, ...tags.flatMap((tag) => {
    const unit = unitText(tag.unit) ? ` [${tag.unit}]` : '';
    return [`${tag.code} ${titleOf(tag.title)}${unit}`, `${tag.code} ${words.status}`];
  })];
  const rows: (string | number | null)[][] = [head];
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
    const cells = pens.flatMap(({ pen, gap }) => {
      const at = indexAt(pen, time);
      const seen = pen.time[at];
      if (seen === undefined || time - seen > gap) return [null, words.statusText('noData')];
      const status = pen.status[at] ?? 0;
      return [quality(status) === 'bad' ? null : exact(pen.mean[at] ?? null), words.statusText(statusKey(status))];
    });
    rows.push([formatDateTime(time), ...cells]);
  }
  return rows;
}

interface Picture {
  title: string;
  tags: Tag[];
  from: number;
  to: number;
  theme: ThemeName;
  lines: { time: number; label: string }[];
}

const spanText = (from: number, to: number): string =>
  `${formatDateTime(from)} – ${formatDay(from) === formatDay(to) ? formatTime(to) : formatDateTime(to)}  ${siteZone()} ${zoneLabel(from)}`;

/** The chart as it stands, under its title and span and over its legend. */
export function pictureOf(chart: HTMLCanvasElement, picture: Picture): HTMLCanvasElement {
  const { title, tags, theme, from, to, lines } = picture;
  const scale = devicePixelRatio;
  const columns = Math.max(1, Math.floor(chart.width / scale / 460));
  const legend = Math.ceil(tags.length / columns) * 22 + (lines.length ? 22 : 0) + 14;
  const canvas = document.createElement('canvas');
  canvas.width = chart.width + 24 * scale;
  canvas.height = chart.height + (60 + legend) * scale;
  const ctx = canvas.getContext('2d');
  if (!ctx) return canvas;
  const family = getComputedStyle(document.body).fontFamily;
  const write = (text: string, x: number, y: number, size: number, colour: string, bold = false) => {
    ctx.font = `${bold ? '600 ' : ''}${size * scale}px ${family}`;
    ctx.fillStyle = colour;
    ctx.fillText(text, x * scale, y * scale);
  };
  ctx.fillStyle = token(theme, 'panel');
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  write(title, 12, 26, 16, token(theme, 'text'), true);
  write(spanText(from, to), 12, 46, 13, token(theme, 'muted'));
  ctx.drawImage(chart, 12 * scale, 56 * scale);
  const top = 56 + chart.height / scale + 18;
  tags.forEach((tag, i) => {
    const x = 12 + (i % columns) * 460;
    const y = top + Math.floor(i / columns) * 22;
    ctx.strokeStyle = PENS[theme][i] ?? '';
    ctx.lineWidth = 3 * scale;
    ctx.setLineDash((PEN_DASH[i] ?? []).map((n) => n * scale));
    ctx.beginPath();
    ctx.moveTo(x * scale, (y - 4) * scale);
    ctx.lineTo((x + 26) * scale, (y - 4) * scale);
    ctx.stroke();
    ctx.setLineDash([]);
    write(`${titleOf(tag.title)}  ${tag.code}${unitText(tag.unit) ? `  [${tag.unit}]` : ''}`, x + 34, y, 13, token(theme, 'text'));
  });
  const foot = lines.map((l) => `${l.label} ${formatDay(l.time)} ${formatMinute(l.time)}${formatTime(l.time).slice(5)}`).join('   ');
  if (foot) write(foot, 12, top + Math.ceil(tags.length / columns) * 22, 12, token(theme, 'muted'));
  return canvas;
}

export function savePicture(name: string, chart: HTMLCanvasElement, picture: Picture): void {
  pictureOf(chart, picture).toBlob((blob) => { if (blob) saveBlob(`${name}.png`, blob); }, 'image/png');
}
