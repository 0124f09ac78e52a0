import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { titleOf } from '../../lib/format';
import type { ModelDetail, ModelLive } from './api';
import { nodeOf, partsOf, type Part } from './graph';
import { blockParams, paramName, paramText, wordsOf } from './parts';
import { natureOf, read } from './signals';
import { SignalValue } from './signal-value';
import { TableWhole } from './table-view';

const KINDS: Part['kind'][] = ['port', 'block', 'condition', 'output'];

/** Where a part leads: to its tag, or to the model that is read. */
function wayOf(part: Part): string | null {
  if (part.kind === 'port' && part.port.link) return `/models/${part.port.link.model}`;
  const tag = part.kind === 'port' ? part.port.tag : part.kind === 'output' ? part.output.tag : null;
  return tag ? `/tags/${tag.id}` : null;
}

/** The graph as a table: the same parts and values for a phone, a keyboard and a screen reader. */
export function NodeTable({ model, live, onOpen }: { model: ModelDetail; live: ModelLive | undefined; onOpen: (id: string) => void }) {
  const { t } = useTranslation('models');
  const parts = partsOf(model);
  return (
    <div className="hw-nodetable" data-testid="model-table">
      {KINDS.map((kind) => {
        const rows = parts.filter((p) => p.kind === kind);
        if (!rows.length) return null;
        return (
          <table key={kind} className="hw-rows">
            <caption>{t(`models:kind.${kind}`)}</caption>
            <thead>
              <tr>{(['part', 'value', 'reads', 'params'] as const).map((c) => <th key={c} scope="col">{t(`models:columns.${c}`)}</th>)}</tr>
            </thead>
            <tbody>
              {rows.map((part) => {
                const { id, data } = nodeOf(part);
                const words = wordsOf(part, t);
                const to = wayOf(part);
                const reading = (ref: string) => <SignalValue reading={read(live?.signals[ref], natureOf(model, ref))} />;
                return (
                  <tr key={id} data-testid="graph-row" data-id={id}>
                    <th scope="row"><span>{to ? <Link to={to}>{words.title}</Link> : words.title} <span className="hw-code">{words.code}</span></span>
                      {part.kind === 'block' && part.block.graph !== null ? (
                        <button type="button" className="hw-plain hw-block" data-testid="subgraph-open" onClick={() => onOpen(part.block.id)}>
                          {t('models:subgraph.open', { title: titleOf(part.block.title) })}
                        </button>
                      ) : null}
                    </th>
                    <td data-label={t('models:columns.value')}>{data.outputs.length ? data.outputs.map((o) => (
                        <div key={o.name} className="hw-outputline" data-testid="graph-output" data-name={o.name}><span className="hw-muted">{titleOf(o.title) || o.name}</span> {reading(o.signal)}</div>
                      )) : reading(data.ref)}</td>
                    <td data-label={t('models:columns.reads')} className="hw-muted">{data.inputs.map((i) => (i.name ? `${i.name} ← ${i.ref}` : i.ref)).join(', ')}</td>
                    <td data-label={t('models:columns.params')} className="hw-num">
                      {part.kind === 'block' ? blockParams(part.block).map(([n, v]) => `${paramName(n, t)} ${paramText(model, n, v).text}`).join(', ') : ''}
                      {part.kind === 'block' && part.block.table ? (
                        <details><summary>{t('models:table.name')}</summary><TableWhole rows={part.block.table} title={words.title} /></details>
                      ) : null}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        );
      })}
    </div>
  );
}
