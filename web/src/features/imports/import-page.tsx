import { DownloadOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Checkbox } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { Refusal, useSend } from '../../components/send';
import { Ready } from '../../components/states';
import { useDownload } from '../../components/use-download';
import { queryClient } from '../../lib/client';
import { formatCount, formatDateTime } from '../../lib/format';
import { applyImport, importKeys, importQuery, type ImportRun } from './api';
import { Changes, Problems } from './import-tables';
import '../../components/parts.css';
import './imports.css';

const COUNTS = ['creates', 'changes', 'unchanged', 'errors'] as const;

function Counts({ run }: { run: ImportRun }) {
  const { t } = useTranslation('imports');
  return (
    <dl className="hw-counts" data-testid="import-counts" data-rows={run.rows} data-creates={run.creates} data-changes={run.changes} data-unchanged={run.unchanged} data-errors={run.errors}>
      {COUNTS.map((name) => (
        <div key={name} data-name={name} data-none={run[name] === 0 || undefined}><dt>{t(`imports:count.${name}`)}</dt><dd className="hw-num">{formatCount(run[name])}</dd></div>
      ))}
    </dl>
  );
}

/** Applying is a decision of its own; rows that are wrong are only left out when a person says so. */
function Apply({ run }: { run: ImportRun }) {
  const { t } = useTranslation('imports');
  const [skip, setSkip] = useState(false);
  const apply = useSend<boolean, ImportRun>((skipBad) => applyImport(run.id, skipBad), {
    quiet: true, stale: [['tags'], ['models'], ['assets'], ['sources']], done: (done) => queryClient.setQueryData(importKeys.one(run.id), done),
  });
  const n = run.creates + run.changes;
  const blocked = run.errors > 0 && !skip;
  return (
    <section className="hw-panel hw-pad hw-stackgap">
      {apply.error ? <Refusal error={apply.error} /> : null}
      {run.errors > 0 ? (
        <Checkbox checked={skip} data-testid="import-skip-bad" onChange={(e) => setSkip(e.target.checked)}>{t('imports:apply.skip', { n: formatCount(run.errors) })}</Checkbox>
      ) : null}
      <p className="hw-toolbar">
        <Button type="primary" disabled={blocked || n === 0} loading={apply.isPending} data-testid="import-apply" onClick={() => apply.mutate(skip)}>{t('imports:apply.button', { n: formatCount(n) })}</Button>
        <span className="hw-muted">{t(n === 0 ? 'imports:apply.nothing' : blocked ? 'imports:apply.blocked' : 'imports:apply.explain', { time: formatDateTime(run.expires_ms) })}</span>
      </p>
    </section>
  );
}

function Applied({ run }: { run: ImportRun }) {
  const { t } = useTranslation('imports');
  return (
    <div className="hw-note" data-testid="import-applied" role="status">
      <strong>{t('imports:applied.title', { creates: formatCount(run.creates), changes: formatCount(run.changes) })}</strong>
      <p>{t('imports:applied.text', { by: run.applied_by, time: run.applied_ms === null ? '' : formatDateTime(run.applied_ms) })} {run.errors ? t('imports:applied.skipped', { n: formatCount(run.errors) }) : ''}</p>
      <p className="hw-toolbar"><Link to="/monitor">{t('imports:applied.monitor')}</Link><Link to={run.kind === 'tags' ? '/imports' : '/imports?kind=models'}>{t('imports:again')}</Link></p>
    </div>
  );
}

function Detail({ run }: { run: ImportRun }) {
  const { t } = useTranslation('imports');
  const { busy, fetchFile } = useDownload();
  const where = [run.plant, run.sheet, run.encoding].filter(Boolean).join(' · ');
  return (
    <div className="hw-page" data-testid="import-run" data-state={run.state}>
      <div className="hw-page-head">
        <div>
          <p className="hw-crumbs"><Link to={run.kind === 'tags' ? '/imports' : '/imports?kind=models'}>{t('imports:title')}</Link> <span>{t(`imports:kind.${run.kind}`)}</span></p>
          <h1>{run.file_name} <span className="hw-badge" data-quiet={run.state !== 'checked' || undefined}>{t(`imports:state.${run.state}`)}</span></h1>
          <p className="hw-muted">{t('imports:about', { where, rows: formatCount(run.rows), by: run.created_by, time: formatDateTime(run.created_ms) })}</p>
        </div>
        {run.errors > 0 && run.state !== 'expired' ? (
          <div className="hw-actions">
            <Button icon={<DownloadOutlined />} loading={busy} data-testid="import-error-file" onClick={() => void fetchFile(`imports/${run.id}/file`)}>{t('imports:errorFile')}</Button>
          </div>
        ) : null}
      </div>
      <Counts run={run} />
      {run.state === 'applied' ? <Applied run={run} /> : null}
      {run.state === 'expired' ? <div className="hw-note"><strong>{t('imports:expired')}</strong> <p><Link to="/imports">{t('imports:again')}</Link></p></div> : null}
      {run.warnings.length ? <ul className="hw-note hw-importwarnings">{run.warnings.map((w) => <li key={`${w.column}-${w.code}`}><b className="hw-num">{w.column}</b> {w.text}</li>)}</ul> : null}
      {run.state === 'checked' ? <Apply run={run} /> : null}
      {run.problems.length ? <Problems run={run} /> : null}
      <Changes run={run} />
    </div>
  );
}

export default function ImportPage() {
  const { id = '' } = useParams();
  const run = useQuery(importQuery(id));
  return <Ready query={run} rows={10}>{(data) => <Detail run={data} />}</Ready>;
}
