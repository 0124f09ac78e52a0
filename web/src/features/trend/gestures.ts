/** Hands on a chart: wheel zooms about the pointer, shift or the middle button drags the window along, fingers pan and pinch. */
import type uPlot from 'uplot';
import type { Span } from './window';

export interface Hands {
  span: () => Span;
  move: (from: number, to: number) => void;
  /** A click or tap at a time, not a drag. */
  pick: (time: number) => void;
}

const WHEEL_STEP = 0.0015;
const WHEEL_LIMIT = 240;
const CLICK_PX = 5;

const timeAt = (u: uPlot, clientX: number): number => u.posToVal(clientX - u.over.getBoundingClientRect().left, 'x') * 1000;

function zoomAbout(hands: Hands, time: number, factor: number): void {
  const { from, to } = hands.span();
  hands.move(time - (time - from) * factor, time + (to - time) * factor);
}

function wheel(u: uPlot, hands: Hands, event: WheelEvent): void {
  event.preventDefault();
  const { from, to } = hands.span();
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    const by = ((to - from) * sideways) / u.over.clientWidth;
    hands.move(from + by, to + by);
    return;
  }
  const turn = Math.max(-WHEEL_LIMIT, Math.min(WHEEL_LIMIT, event.deltaY * (event.deltaMode === 1 ? 30 : 1)));
  zoomAbout(hands, timeAt(u, event.clientX), Math.exp(turn * WHEEL_STEP));
}

/** Drags with shift or the middle button; must hear the press before uPlot takes it for a selection. */
function dragWindow(u: uPlot, hands: Hands, event: PointerEvent): void {
  const { from, to } = hands.span();
  const start = event.clientX;
  const perPixel = (to - from) / u.over.clientWidth;
  const onMove = (e: PointerEvent) => hands.move(from - (e.clientX - start) * perPixel, to - (e.clientX - start) * perPixel);
  const onUp = () => {
    removeEventListener('pointermove', onMove);
    removeEventListener('pointerup', onUp);
    u.over.style.cursor = '';
  };
  u.over.style.cursor = 'grabbing';
  addEventListener('pointermove', onMove);
  addEventListener('pointerup', onUp);
}

function fingers(u: uPlot, hands: Hands, signal: AbortSignal): void {
  const down = new Map<number, number>();
  let begin: { span: Span; xs: number[] } | null = null;
  const rest = () => { begin = { span: hands.span(), xs: [...down.values()] }; };
  const lift = (event: PointerEvent) => {
    if (event.pointerType !== 'touch' || !down.delete(event.pointerId)) return;
    if (!down.size && begin?.xs.length === 1 && Math.abs((begin.xs[0] ?? 0) - event.clientX) < CLICK_PX) hands.pick(timeAt(u, event.clientX));
    rest();
  };
  u.over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch') return;
    down.set(event.pointerId, event.clientX);
    rest();
  }, { signal });
  u.over.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'touch' || !down.has(event.pointerId) || !begin) return;
    down.set(event.pointerId, event.clientX);
    const { span: { from, to }, xs } = begin;
    const now = [...down.values()];
    const perPixel = (to - from) / u.over.clientWidth;
    const [a = 0, b] = xs;
    const [c = 0, d] = now;
    if (b === undefined || d === undefined) {
      if (Math.abs(c - a) >= CLICK_PX) hands.move(from - (c - a) * perPixel, to - (c - a) * perPixel);
      return;
    }
    const left = u.over.getBoundingClientRect().left;
    const factor = Math.max(20, Math.abs(b - a)) / Math.max(20, Math.abs(d - c));
    const middle = from + ((a + b) / 2 - left) * perPixel;
    const length = (to - from) * factor;
    const share = ((c + d) / 2 - left) / u.over.clientWidth;
    hands.move(middle - length * share, middle + length * (1 - share));
  }, { signal });
  u.over.addEventListener('pointerup', lift, { signal });
  u.over.addEventListener('pointercancel', lift, { signal });
}

/** Attaches the hands until the signal ends. */
export function attachHands(u: uPlot, hands: Hands, signal: AbortSignal): void {
  u.over.addEventListener('wheel', (event) => wheel(u, hands, event), { passive: false, signal });
  let pressed: { x: number; y: number } | null = null;
  u.over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'mouse') return;
    pressed = null;
    if (event.button === 1 || (event.button === 0 && event.shiftKey)) dragWindow(u, hands, event);
    else if (event.button === 0) pressed = { x: event.clientX, y: event.clientY };
  }, { signal });
  u.over.addEventListener('mousedown', (event) => {
    if (event.button === 1 || event.shiftKey) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, { signal, capture: true });
  u.over.addEventListener('click', (event) => {
    if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < CLICK_PX) hands.pick(timeAt(u, event.clientX));
    pressed = null;
  }, { signal });
  fingers(u, hands, signal);
}
