/** Words for the parts of a model, the same in the graph and in the table. */
import type { TFunction } from 'i18next';
import { formatNumber, titleOf, unitText } from '../../lib/format';
import type { ModelBlock, ModelDetail, ModelPort } from './api';
import type { Part } from './graph';

export interface Words {
  title: string;
  code: string;
}

export function wordsOf(part: Part, t: TFunction): Words {
  if (part.kind === 'port') return portWords(part.port, t);
  if (part.kind === 'block') return { title: titleOf(part.block.title) || part.block.op, code: part.block.id };
  if (part.kind === 'condition') return { title: titleOf(part.condition.title), code: part.condition.name };
  return { title: titleOf(part.output.tag?.title ?? part.output.title) || part.output.name, code: part.output.tag?.code ?? part.output.name };
}

function portWords({ name, title, tag, link, reads }: ModelPort, t: TFunction): Words {
  if (link) return { title: titleOf(link.signal_title) || titleOf(link.title), code: `${link.code}/${link.signal}` };
  return { title: titleOf(tag?.title ?? title) || name, code: tag?.code ?? reads ?? t('models:unbound') };
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

/** The parameters a node shows. Of a sub-graph those that the model sets: it has many, and they are told inside. */
export const blockParams = (block: ModelBlock): [string, number | string][] =>
  Object.entries(block.params).filter(([, value]) => block.graph === null || typeof value === 'string');
