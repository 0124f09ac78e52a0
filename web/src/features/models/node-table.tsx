import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { ModelDetail, ModelLive } from './api';
import { nodeOf, partsOf, type Part } from './graph';
import { blockParams, paramName, paramText, wordsOf } from './parts';
import { natureOf, read } from './signals';
import { SignalValue } from './signal-value';

const KINDS: Part['kind'][] = ['port', 'block', 'condition', 'output'];

/** The graph as a table: the same parts and values for a phone, a keyboard and a screen reader. */
export function NodeTable({ model, live }: { model: ModelDetail; live: ModelLive | undefined }) {
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
                const tag = part.kind === 'port' ? part.port.tag : part.kind === 'output' ? part.output.tag : null;
                return (
                  <tr key={id} data-testid="graph-row" data-id={id}>
                    <th scope="row"><span>{tag ? <Link to={`/tags/${tag.id}`}>{words.title}</Link> : words.title} <span className="hw-code">{words.code}</span></span></th>
                    <td data-label={t('models:columns.value')}><SignalValue reading={read(live?.signals[data.ref], natureOf(model, data.ref))} /></td>
                    <td data-label={t('models:columns.reads')} className="hw-muted">{data.inputs.map((i) => (i.name ? `${i.name} ← ${i.ref}` : i.ref)).join(', ')}</td>
                    <td data-label={t('models:columns.params')} className="hw-num">
                      {part.kind === 'block' ? blockParams(part.block).map(([n, v]) => `${paramName(n, t)} ${paramText(model, n, v).text}`).join(', ') : ''}
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
