/** What a trend shows besides its window, kept in the address so that a link shows the same. */
import { useSearchParams } from 'react-router';
import { MAX_PENS } from '../../theme/tokens';

export interface View {
  /** `unit`: tags of one unit share a y axis; `own`: every pen has its own. */
  axes: 'unit' | 'own';
  /** The pen whose axis, limits and bad stretches stand out. */
  selected: number | null;
  hidden: number[];
  limits: boolean;
  marks: boolean;
  /** Times [ms] of the pinned cursor and of the second one. */
  a: number | null;
  b: number | null;
}

const numbers = (text: string | null): number[] => [...new Set((text ?? '').split(',').map(Number).filter((n) => n > 0))];

const idsOf = (params: URLSearchParams): number[] => numbers(params.get('tags')).slice(0, MAX_PENS);

/** The address as it is now: what a page was drawn from may be one step behind a second quick action. */
export const addressNow = (): URLSearchParams => new URLSearchParams(window.location.search);

export function useIds(): [number[], (change: (ids: number[]) => number[]) => void] {
  const [params, setParams] = useSearchParams();
  const setIds = (change: (ids: number[]) => number[]) => {
    const next = addressNow();
    next.set('tags', change(idsOf(next)).join(','));
    setParams(next);
  };
  return [idsOf(params), setIds];
}

const time = (text: string | null): number | null => Number(text) || null;

function viewOf(params: URLSearchParams): View {
  return {
    axes: params.get('axes') === 'own' ? 'own' : 'unit', selected: time(params.get('sel')), hidden: numbers(params.get('hide')),
    limits: params.get('limits') === '1', marks: params.get('marks') !== '0', a: time(params.get('a')), b: time(params.get('b')),
  };
}

export type Change = (part: Partial<View> | ((view: View) => Partial<View>)) => void;

export function useView(): [View, Change] {
  const [params, setParams] = useSearchParams();
  const change: Change = (part) => {
    const next = addressNow();
    const now = viewOf(next);
    const v = { ...now, ...(typeof part === 'function' ? part(now) : part) };
    const texts: Record<string, string> = {
      axes: v.axes === 'own' ? 'own' : '', sel: v.selected ? String(v.selected) : '', hide: v.hidden.join(','), limits: v.limits ? '1' : '',
      marks: v.marks ? '' : '0', a: v.a ? String(Math.round(v.a)) : '', b: v.b ? String(Math.round(v.b)) : '',
    };
    for (const [key, text] of Object.entries(texts)) {
      if (text) next.set(key, text);
      else next.delete(key);
    }
    setParams(next, { replace: true });
  };
  return [viewOf(params), change];
}
