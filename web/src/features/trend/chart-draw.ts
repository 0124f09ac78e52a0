/** What stands on the canvas besides the lines of uPlot: doubtful stretches, limits, marked times, cursors. */
import type uPlot from 'uplot';
import type { Priority } from '../../lib/types';
import { PENS, token, type ThemeName } from '../../theme/tokens';
import type { Doubt, Stretch } from './chart-data';

export interface TimeLine {
  time: number;
  label: string;
  /** A cursor is drawn whole, an event dashed. */
  solid?: boolean;
}

export interface LimitLine {
  value: number;
  /** On the scale of which unit it stands. */
  unit: string;
  label: string;
  /** An alarm limit may have the colour of its priority; the range of a tag is neutral. */
  priority?: Priority | null;
}

export const STRIP_PX = 5;

/** Bad is filled, uncertain hatched, no data only framed: told apart without a colour. */
function fillOf(ctx: CanvasRenderingContext2D, kind: Doubt, colour: string): string | CanvasPattern {
  if (kind === 'bad') return colour;
  const tile = document.createElement('canvas');
  const size = Math.round(6 * devicePixelRatio);
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext('2d');
  if (!pen) return colour;
  pen.strokeStyle = colour;
  pen.lineWidth = kind === 'none' ? devicePixelRatio * 0.6 : devicePixelRatio * 1.4;
  pen.beginPath();
  pen.moveTo(0, size);
  pen.lineTo(size, 0);
  if (kind === 'none') {
    pen.moveTo(0, 0);
    pen.lineTo(size, size);
  }
  pen.stroke();
  return ctx.createPattern(tile, 'repeat') ?? colour;
}

function edges(u: uPlot, from: number, to: number): [number, number] {
  const { bbox } = u;
  const left = Math.max(bbox.left, u.valToPos(from / 1000, 'x', true));
  return [left, Math.min(bbox.left + bbox.width, u.valToPos(to / 1000, 'x', true))];
}

/** The chosen pen's doubtful stretches shade the chart; those of every pen stand in a lane of its own at the bottom. */
export function drawDoubt(u: uPlot, of: Stretch[][], chosen: number, theme: ThemeName): void {
  const { ctx, bbox } = u;
  const soft = `${token(theme, 'bad')}30`;
  for (const { from, to, kind } of of[chosen] ?? []) {
    const [left, right] = edges(u, from, to);
    if (right <= left) continue;
    ctx.fillStyle = fillOf(ctx, kind, soft);
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  const strip = STRIP_PX * devicePixelRatio;
  let lane = 0;
  of.forEach((list, i) => {
    if (!list.length) return;
    lane += 1;
    const colour = PENS[theme][i] ?? '';
    const top = bbox.top + bbox.height - lane * (strip + devicePixelRatio);
    for (const { from, to, kind } of list) {
      const [left, right] = edges(u, from, to);
      if (right <= left) continue;
      ctx.fillStyle = fillOf(ctx, kind, colour);
      ctx.fillRect(left, top, Math.max(right - left, devicePixelRatio), strip);
      ctx.strokeStyle = colour;
      ctx.lineWidth = 1;
      ctx.strokeRect(left + 0.5, top + 0.5, Math.max(right - left - 1, 1), strip - 1);
    }
  });
}

/** Shades what lies outside the range of a tag. */
export function drawBand(u: uPlot, scale: string, low: number | null, high: number | null, theme: ThemeName): void {
  const { ctx, bbox } = u;
  if (typeof u.scales[scale]?.min !== 'number') return;
  const at = (value: number) => Math.min(bbox.top + bbox.height, Math.max(bbox.top, u.valToPos(value, scale, true)));
  ctx.fillStyle = `${token(theme, 'band')}40`;
  if (high !== null) ctx.fillRect(bbox.left, bbox.top, bbox.width, at(high) - bbox.top);
  if (low !== null) ctx.fillRect(bbox.left, at(low), bbox.width, bbox.top + bbox.height - at(low));
}

export function drawLimits(u: uPlot, lines: LimitLine[], scaleFor: (unit: string) => string | undefined, theme: ThemeName): void {
  const { ctx, bbox } = u;
  const bottom = bbox.top + bbox.height;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  for (const { value, unit, label, priority } of lines) {
    const scale = scaleFor(unit);
    if (!scale || typeof u.scales[scale]?.min !== 'number') continue;
    const y = Math.round(u.valToPos(value, scale, true)) + 0.5;
    if (y < bbox.top || y > bottom) continue;
    ctx.strokeStyle = priority ? token(theme, `p${priority}`) : token(theme, 'muted');
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([8 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = token(theme, 'text');
    ctx.textAlign = 'right';
    ctx.fillText(label, bbox.left + bbox.width - 6 * devicePixelRatio, y - 4 * devicePixelRatio);
  }
  ctx.restore();
}

export function drawTimes(u: uPlot, lines: TimeLine[], theme: ThemeName): void {
  const { ctx, bbox } = u;
  for (const [row, { time, label, solid }] of lines.entries()) {
    const x = u.valToPos(time / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = token(theme, solid ? 'accent' : 'text');
    ctx.lineWidth = (solid ? 1.5 : 1) * devicePixelRatio;
    ctx.setLineDash(solid ? [] : [4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.font = `${solid ? 'bold ' : ''}${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = x > bbox.left + bbox.width - 80 * devicePixelRatio ? 'right' : 'left';
    ctx.fillStyle = token(theme, 'text');
    ctx.fillText(label, x + (ctx.textAlign === 'left' ? 4 : -4) * devicePixelRatio, bbox.top + (14 + 16 * row) * devicePixelRatio);
  }
}
