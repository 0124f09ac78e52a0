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

export function useIds(): [number[], (ids: number[]) => void] {
  const [params, setParams] = useSearchParams();
  const ids = numbers(params.get('tags')).slice(0, MAX_PENS);
  const setIds = (next: number[]) => setParams((old) => {
    const changed = new URLSearchParams(old);
    changed.set('tags', next.join(','));
    return changed;
  });
  return [ids, setIds];
}

const time = (text: string | null): number | null => Number(text) || null;

export function useView(): [View, (change: Partial<View>) => void] {
  const [params, setParams] = useSearchParams();
  const view: View = {
    axes: params.get('axes') === 'own' ? 'own' : 'unit', selected: time(params.get('sel')), hidden: numbers(params.get('hide')),
    limits: params.get('limits') === '1', marks: params.get('marks') !== '0', a: time(params.get('a')), b: time(params.get('b')),
  };
  const change = (part: Partial<View>) => setParams((old) => {
    const next = new URLSearchParams(old);
    const v = { ...view, ...part };
    const texts: Record<string, string> = {
      axes: v.axes === 'own' ? 'own' : '', sel: v.selected ? String(v.selected) : '', hide: v.hidden.join(','), limits: v.limits ? '1' : '',
      marks: v.marks ? '' : '0', a: v.a ? String(Math.round(v.a)) : '', b: v.b ? String(Math.round(v.b)) : '',
    };
    for (const [key, text] of Object.entries(texts)) {
      if (text) next.set(key, text);
      else next.delete(key);
    }
    return next;
  }, { replace: true });
  return [view, change];
}
