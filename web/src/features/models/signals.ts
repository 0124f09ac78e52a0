/** What a signal of a model is: a number with a unit or a boolean, and how far it can be trusted. */
import { formatValue, unitText } from '../../lib/format';
import { quality, statusKey } from '../../lib/status';
import type { ModelDetail, Signal } from './api';

export type Reading =
  | { kind: 'none' }
  | { kind: 'true' | 'false' | 'unknown' }
  | { kind: 'value'; text: string; unit: string; quality: 'good' | 'uncertain' | 'bad'; status: string };

export interface Nature {
  bool: boolean;
  unit: string;
}

const CONSTANTS = new Set(['true', 'false', 'nothing']);
export const isConstant = (ref: string): boolean => CONSTANTS.has(ref);

/** How the signal `ref` is read: `true` and `false` are constants, a port or an output of a block has its own nature. */
export function natureOf(model: ModelDetail, ref: string): Nature {
  if (isConstant(ref)) return { bool: ref !== 'nothing', unit: '' };
  const found = ref.startsWith('in.') ? model.ports.find((p) => p.name === ref.slice(3)) : outputOf(model, ref);
  return { bool: found?.kind === 'bool', unit: found?.unit ?? '' };
}

/** The output that is read as `<block>` (its first) or `<block>.<output>`. */
function outputOf(model: ModelDetail, ref: string) {
  const [id, name] = ref.split('.');
  const block = model.blocks.find((b) => b.id === id);
  return name === undefined ? block?.outputs[0] : block?.outputs.find((o) => o.name === name);
}

export function read(signal: Signal | undefined, { bool, unit }: Nature): Reading {
  if (!signal) return { kind: 'none' };
  if (bool) return { kind: signal.value === null ? 'unknown' : signal.value >= 0.5 ? 'true' : 'false' };
  const found = quality(signal.status);
  return {
    kind: 'value', text: formatValue(signal.value), unit: unitText(unit), quality: signal.value === null ? 'bad' : found,
    status: found === 'good' && signal.value === null ? 'noData' : statusKey(signal.status),
  };
}
