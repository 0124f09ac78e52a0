import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatCount } from '../../lib/format';
import type { ImportItem, ImportProblem, ImportRun } from './api';

const STEP = 200;

function textOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—';
  if (Array.isArray(value)) return value.map(textOf).join('; ');
  if (typeof value === 'object') return Object.entries(value).map(([k, v]) => `${k}=${textOf(v)}`).join('; ');
  return String(value);
}

/** A long list a part at a time: a table of thousands of rows would not let the page breathe. */
function useParts<T>(items: T[]): { shown: T[]; rest: number; more: () => void } {
  const [n, setN] = useState(STEP);
  return { shown: items.slice(0, n), rest: Math.max(0, items.length - n), more: () => setN(n + STEP) };
}

function More({ rest, more }: { rest: number; more: () => void }) {
  const { t } = useTranslation('imports');
  return rest ? <p className="hw-foot"><Button onClick={more}>{t('imports:more', { n: formatCount(rest) })}</Button></p> : null;
}

export function useFieldName(): (name: string) => string {
  const { t } = useTranslation('imports');
  return (name) => t(`imports:field.${name}`, { defaultValue: name });
}

function ProblemRow({ problem }: { problem: ImportProblem }) {
  const { t } = useTranslation('imports');
  const nameOf = useFieldName();
  return (
    <tr data-testid="import-problem-row" data-row={problem.row} data-column={problem.column} data-code={problem.code}>
      <td className="hw-num hw-right" data-label={t('imports:columns.row')}>{problem.row}</td>
      <td data-label={t('imports:columns.column')}><span><b className="hw-num">{problem.column}</b> {problem.header || nameOf(problem.name)}</span></td>
      <td className="hw-mono" data-label={t('imports:columns.value')}>{textOf(problem.value)}</td>
      <td data-label={t('imports:columns.problem')}>{problem.text}</td>
    </tr>
  );
}

/** What is wrong, by row and column of the file itself, so that it is found there. */
export function Problems({ run }: { run: ImportRun }) {
  const { t } = useTranslation('imports');
  const { shown, rest, more } = useParts(run.problems);
  return (
    <section className="hw-panel" data-testid="import-problems">
      <header><h2>{t('imports:problems', { n: formatCount(run.problem_count), rows: formatCount(run.errors) })}</h2></header>
      <div className="hw-tablewrap hw-importscroll" tabIndex={0} role="region" aria-label={t('imports:problems', { n: run.problem_count, rows: run.errors })}>
        <table className="hw-rows hw-problems">
          <thead><tr>{(['row', 'column', 'value', 'problem'] as const).map((c) => <th key={c} scope="col" className={c === 'row' ? 'hw-right' : ''}>{t(`imports:columns.${c}`)}</th>)}</tr></thead>
          <tbody>{shown.map((p, i) => <ProblemRow key={i} problem={p} />)}</tbody>
        </table>
        <More rest={rest} more={more} />
      </div>
      {run.problem_count > run.problems.length ? <p className="hw-foot hw-muted">{t('imports:cut', { n: formatCount(run.problems.length) })}</p> : null}
    </section>
  );
}

function Change({ item }: { item: ImportItem }) {
  const { t } = useTranslation('imports');
  const nameOf = useFieldName();
  const shown = (name: string, value: unknown) => (name === 'kind' && typeof value === 'string' && value ? t(`imports:tagKind.${value}`, { defaultValue: value }) : textOf(value));
  return (
    <tr data-testid="import-item-row" data-code={item.code} data-action={item.action}>
      <td className="hw-num hw-right" data-label={t('imports:columns.row')}>{item.row}</td>
      <th scope="row">{item.code}</th>
      <td data-label={t('imports:columns.action')}><span className="hw-badge" data-quiet={item.action === 'change' || undefined}>{t(`imports:action.${item.action}`)}</span></td>
      <td className="hw-diffcell">
        <dl className="hw-diff">
          {item.fields.map((f) => (
            <div key={f.name}>
              <dt>{nameOf(f.name)}</dt>
              <dd>
                {item.action === 'change' ? <><del>{shown(f.name, f.old)}</del> <span aria-hidden="true">→</span> </> : null}<ins>{shown(f.name, f.new)}</ins>
                {f.by === 'kks' ? <span className="hw-badge" data-quiet="true">{t('imports:byKks')}</span> : null}
              </dd>
            </div>
          ))}
        </dl>
      </td>
    </tr>
  );
}

/** What becomes of the records, field by field: old to new. */
export function Changes({ run }: { run: ImportRun }) {
  const { t } = useTranslation('imports');
  const { shown, rest, more } = useParts(run.items);
  const all = run.creates + run.changes;
  const title = run.state === 'applied' ? 'imports:changed' : 'imports:changes';
  return (
    <section className="hw-panel">
      <header><h2>{t(title, { n: formatCount(all) })}</h2></header>
      {run.items.length ? (
        <div className="hw-tablewrap hw-importscroll" tabIndex={0} role="region" aria-label={t(title, { n: all })}>
          <table className="hw-rows hw-changes">
            <thead><tr>{(['row', 'code', 'action', 'fields'] as const).map((c) => <th key={c} scope="col" className={c === 'row' ? 'hw-right' : ''}>{t(`imports:columns.${c}`)}</th>)}</tr></thead>
            <tbody>{shown.map((item) => <Change key={`${item.row}-${item.code}`} item={item} />)}</tbody>
          </table>
          <More rest={rest} more={more} />
        </div>
      ) : <p className="hw-pad hw-muted">{t(run.state === 'expired' ? 'imports:gone' : 'imports:nothing')}</p>}
      {all > run.items.length && run.items.length ? <p className="hw-foot hw-muted">{t('imports:cut', { n: formatCount(run.items.length) })}</p> : null}
    </section>
  );
}
