/** Words for the parts of a model, the same in the graph and in the table. */
import type { TFunction } from 'i18next';
import { formatNumber, titleOf, unitText } from '../../lib/format';
import type { ModelBlock, ModelDetail } from './api';
import type { Part } from './graph';

export interface Words {
  title: string;
  code: string;
}

export function wordsOf(part: Part, t: TFunction): Words {
  if (part.kind === 'port') return { title: titleOf(part.port.tag?.title ?? part.port.title), code: part.port.tag?.code ?? t('models:unbound') };
  if (part.kind === 'block') return { title: titleOf(part.block.title) || part.block.op, code: part.block.id };
  if (part.kind === 'condition') return { title: titleOf(part.condition.title), code: part.condition.name };
  return { title: titleOf(part.output.tag?.title ?? part.output.title) || part.output.name, code: part.output.tag?.code ?? part.output.name };
}

const plain = (value: number): string => (Number.isInteger(value) ? String(value) : formatNumber(value, 4).replace(/\.?0+$/, ''));

/** Parameters that are lengths of time. */
const SECONDS = /^(window|tau|.*_s)$/;

/** A parameter of a block in words; one that the model sets is resolved and says which it is. */
export function paramText(model: ModelDetail, name: string, value: number | string): { text: string; from: string; changed: boolean } {
  if (typeof value === 'number') return { text: `${plain(value)}${SECONDS.test(name) ? ' s' : ''}`, from: '', changed: false };
  const param = model.params.find((p) => `$${p.name}` === value);
  if (!param) return { text: value, from: '', changed: false };
  const unit = unitText(param.unit) ? ` ${param.unit}` : '';
  return { text: `${plain(param.value)}${unit}`, from: titleOf(param.title) || param.name, changed: param.value !== param.default };
}

export const paramName = (name: string, t: TFunction): string => t(`models:param.${name}`, { defaultValue: name });
export const blockParams = (block: ModelBlock): [string, number | string][] => Object.entries(block.params);
