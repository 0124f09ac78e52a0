import { useEffect, useMemo, useRef, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { siteZone, titleOf } from '../../lib/format';
import type { Tag } from '../../lib/types';
import { usePreferences } from '../../theme/preferences';
import { chartData, stretches } from './chart-data';
import { drawBand, drawDoubt, drawLimits, drawTimes, type LimitLine, type TimeLine } from './chart-draw';
import { axesOf, scaleOf, seriesOf, yRange } from './chart-options';
import { attachHands } from './gestures';
import type { Pen } from './pens';
import './trend.css';

export interface Plot {
  canvas: () => HTMLCanvasElement | null;
}

interface Props {
  tags: Tag[];
  pens: Pen[];
  from: number;
  to: number;
  height?: number;
  /** After this time nothing is known yet: no data is no fault there. */
  until?: number;
  axes?: 'unit' | 'own';
  selected?: number;
  hidden?: readonly number[];
  /** Horizontal lines, each on the scale of its unit. */
  limits?: LimitLine[];
  /** Shade what lies outside the range of the selected tag. */
  band?: boolean;
  /** Times drawn as a vertical line, with what they are. */
  lines?: TimeLine[];
  onZoom?: (from: number, to: number) => void;
  onZoomOut?: () => void;
  onMove?: (from: number, to: number) => void;
  onPick?: (time: number) => void;
  onCursor?: (time: number | null) => void;
  /** Where the plot lies inside the chart [CSS px]. */
  onLayout?: (left: number, width: number) => void;
  plotRef?: RefObject<Plot | null>;
}

const NARROW_PX = 600;
const NONE: readonly number[] = [];

function useDoubt(props: Props) {
  const { tags, pens, from, to, until } = props;
  const end = Math.min(to, until ?? to);
  // The edges move each second while following; whole steps of the screen are enough.
  const step = Math.max(1000, (to - from) / 400);
  const [a, b] = [Math.floor(from / step) * step, Math.ceil(end / step) * step];
  return useMemo(
    () => pens.map((pen) => stretches(pen, a, Math.max(a, b), tags.find((tag) => tag.id === pen.id)?.staleness_ms ?? 0)), [pens, tags, a, b],
  );
}

/** The scale a limit stands on: that of the selected tag, else of the first tag, with its unit. */
function limitScale({ tags, selected, axes = 'unit' }: Props, unit: string): string | undefined {
  const same = tags.filter((tag) => (tag.unit || '1') === (unit || '1'));
  const tag = same.find((one) => one.id === selected) ?? same[0];
  return tag && scaleOf(tag, axes);
}

function draw(u: uPlot, p: Props, doubt: ReturnType<typeof useDoubt>, theme: Parameters<typeof drawTimes>[2]): void {
  u.ctx.save();
  const shown = doubt.map((list, i) => (p.hidden?.includes(p.tags[i]?.id ?? 0) ? [] : list));
  const chosen = Math.max(0, p.tags.findIndex((tag) => tag.id === p.selected));
  drawDoubt(u, shown, chosen, theme);
  const tag = p.tags[chosen];
  if (p.band && tag) drawBand(u, scaleOf(tag, p.axes ?? 'unit'), tag.low, tag.high, theme);
  drawLimits(u, p.limits ?? [], (unit) => limitScale(p, unit), theme);
  drawTimes(u, p.lines ?? [], theme);
  // uPlot remembers what it set itself, and would go on with our font.
  u.ctx.restore();
}

function scalesOf(current: RefObject<Props>): uPlot.Scales {
  const { tags } = current.current;
  const x: uPlot.Scale = { time: true, range: () => [current.current.from / 1000, current.current.to / 1000] };
  const y = tags.map((tag): [string, uPlot.Scale] => {
    const key = scaleOf(tag, current.current.axes ?? 'unit');
    return [key, { range: (_, min, max) => {
      const limits = (current.current.limits ?? []).filter((l) => limitScale(current.current, l.unit) === key);
      return yRange(min, max, limits.map((l) => l.value));
    } }];
  });
  return { x, ...Object.fromEntries(y) };
}

/** The lines of up to twelve tags over time, with everything that says how far they can be trusted. */
export function TrendChart(props: Props) {
  const { t } = useTranslation('trend');
  const { theme } = usePreferences();
  const { tags, pens, from, to, height, axes = 'unit', hidden = NONE } = props;
  const selected = props.selected ?? tags[0]?.id ?? 0;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const doubt = useDoubt(props);
  const data = useMemo(() => chartData(pens), [pens]);
  const current = useRef({ ...props, doubt });
  current.current = { ...props, selected, doubt };
  const structure = `${tags.map((tag) => `${tag.id}:${tag.unit}`).join()}|${axes}|${selected}|${hidden.join()}`;
  const live = Boolean(props.onMove);

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const now = () => current.current;
    const size = () => ({ width: Math.max(200, element.clientWidth), height: Math.max(140, element.clientHeight) });
    const look = { tags: now().tags, theme, axes, selected, hidden: now().hidden ?? NONE, room: element.clientWidth < NARROW_PX ? 2 : 4 };
    let layout = '';
    const u = new uPlot({
      ...size(), ...seriesOf(look), axes: axesOf(look), legend: { show: false },
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), siteZone()), scales: scalesOf(current),
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, bind: {
        dblclick: () => () => { now().onZoomOut?.(); return null; },
      } },
      hooks: {
        draw: [(plotted) => {
          draw(plotted, now(), now().doubt, theme);
          const left = Math.round(plotted.bbox.left / devicePixelRatio);
          const width = Math.round(plotted.bbox.width / devicePixelRatio);
          if (layout === `${left}/${width}`) return;
          layout = `${left}/${width}`;
          now().onLayout?.(left, width);
        }],
        setSelect: [(plotted) => {
          if (plotted.select.width < 8) return;
          const a = plotted.posToVal(plotted.select.left, 'x') * 1000;
          const b = plotted.posToVal(plotted.select.left + plotted.select.width, 'x') * 1000;
          plotted.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          now().onZoom?.(a, b);
        }],
        setCursor: [(plotted) => {
          const left = plotted.cursor.left ?? -1;
          now().onCursor?.(left < 0 ? null : plotted.posToVal(left, 'x') * 1000);
        }],
      },
    }, chartData(now().pens), element);
    plot.current = u;
    if (now().plotRef) now().plotRef!.current = { canvas: () => plot.current?.ctx.canvas ?? null };
    const hands = new AbortController();
    if (live) {
      attachHands(u, {
        span: () => ({ from: now().from, to: now().to }), move: (a, b) => now().onMove?.(a, b), pick: (time) => now().onPick?.(time),
      }, hands.signal);
    }
    const observer = new ResizeObserver(() => u.setSize(size()));
    observer.observe(element);
    return () => {
      hands.abort();
      observer.disconnect();
      u.destroy();
      plot.current = null;
    };
    // `structure` stands for tags, units and what is hidden.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [structure, theme, live]);

  const extra = JSON.stringify([props.limits, props.lines, props.band]);
  useEffect(() => { plot.current?.setData(data); }, [data, from, to, doubt, extra]);

  return (
    <div
      ref={box} className="hw-chart" data-testid="trend-canvas" data-from={Math.round(from)} data-to={Math.round(to)} role="img"
      data-points={pens.reduce((n, pen) => n + pen.time.length, 0)} data-doubt={doubt.reduce((n, list) => n + list.length, 0)}
      style={height ? { height } : undefined} aria-label={t('trend:chart', { tags: tags.map((tag) => titleOf(tag.title)).join(', ') })}
    />
  );
}
