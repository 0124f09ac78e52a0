/** What a signal of a model is: a number with a unit or a boolean, and how far it can be trusted. */
import { formatValue, unitText } from '../../lib/format';
import { quality, statusKey } from '../../lib/status';
import type { ModelBlock, ModelDetail, Signal } from './api';

const BOOLEAN_OPS = new Set(['above', 'below', 'delay', 'm_of_n', 'and', 'or', 'not', 'hold', 'latch_rs', 'quality_bad']);

export type Reading =
  | { kind: 'none' }
  | { kind: 'true' | 'false' | 'unknown' }
  | { kind: 'value'; text: string; unit: string; quality: 'good' | 'uncertain' | 'bad'; status: string };

export const isBoolean = (block: ModelBlock): boolean => block.unit === 'bool' || BOOLEAN_OPS.has(block.op);

/** How the signal `ref` is read: `true` and `false` are constants, a block or a port has its own nature. */
export function natureOf(model: ModelDetail, ref: string): { bool: boolean; unit: string } {
  if (ref === 'true' || ref === 'false') return { bool: true, unit: '' };
  if (ref.startsWith('in.')) return { bool: false, unit: model.ports.find((p) => p.name === ref.slice(3))?.unit ?? '' };
  const block = model.blocks.find((b) => b.id === ref);
  return block ? { bool: isBoolean(block), unit: block.unit ?? '' } : { bool: false, unit: '' };
}

export function read(signal: Signal | undefined, { bool, unit }: { bool: boolean; unit: string }): Reading {
  if (!signal) return { kind: 'none' };
  if (bool) return { kind: signal.value === null ? 'unknown' : signal.value >= 0.5 ? 'true' : 'false' };
  const found = quality(signal.status);
  return {
    kind: 'value', text: formatValue(signal.value), unit: unitText(unit), quality: signal.value === null ? 'bad' : found,
    status: found === 'good' && signal.value === null ? 'noData' : statusKey(signal.status),
  };
}
