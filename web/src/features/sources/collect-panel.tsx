import { useHost } from '@headworks/app-sdk';
import { DownloadOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Progress } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useSend } from '../../components/send';
import { useDownload } from '../../components/use-download';
import { formatCount } from '../../lib/format';
import { request } from '../../lib/http';
import { collect, hasEnded, jobQuery, tagListPath, type BrowseNode, type CollectedRow, type Job } from './api';
import { BrowseTree } from './browse-tree';

type Collected = Job<{ rows: CollectedRow[]; total: number }>;

function Outcome({ source, job }: { source: string; job: Collected }) {
  const { t } = useTranslation('sources');
  const { busy, fetchFile } = useDownload();
  const rows = job.result?.rows ?? [];
  const known = rows.filter((r) => r.tag).length;
  return (
    <div className="hw-stackgap" data-testid="browse-collected" data-total={job.result?.total ?? 0}>
      <p>{t('sources:collect.done', { n: formatCount(job.result?.total ?? 0), known: formatCount(known) })}</p>
      <p className="hw-toolbar">
        <Button type="primary" icon={<DownloadOutlined />} loading={busy} data-testid="browse-taglist" onClick={() => void fetchFile(tagListPath(source, job.id))}>{t('sources:collect.download')}</Button>
        <Link to="/imports" data-testid="browse-import">{t('sources:collect.import')}</Link>
      </p>
      <p className="hw-muted">{t('sources:collect.next')}</p>
    </div>
  );
}

function Running({ source, id, onAgain }: { source: string; id: string; onAgain: () => void }) {
  const { t } = useTranslation('sources');
  const job = useQuery(jobQuery<NonNullable<Collected['result']>>(id));
  const cancel = useSend<string>((wanted) => request('POST', `jobs/${wanted}/cancel`), { stale: [['jobs']] });
  const { data } = job;
  if (!data) return <Progress percent={0} status="active" aria-label={t('sources:collect.running')} />;
  if (data.state === 'done') return <Outcome source={source} job={data} />;
  if (hasEnded(data)) {
    return (
      <div className="hw-note" role="alert">
        <strong>{t(`sources:collect.${data.state === 'cancelled' ? 'cancelled' : 'failed'}`)}</strong>
        {data.error ? <p>{data.error.text}</p> : null}
        <p><Button onClick={onAgain}>{t('common:retry')}</Button></p>
      </div>
    );
  }
  return (
    <div data-testid="browse-progress">
      <p className="hw-muted">{t('sources:collect.running')}</p>
      <Progress percent={Math.round(data.progress * 100)} status="active" />
      <Button loading={cancel.isPending} onClick={() => cancel.mutate(id)}>{t('sources:collect.cancel')}</Button>
    </div>
  );
}

/** Browse the server, choose a folder, collect what lies below it into a tag list ready for import. */
export function CollectPanel({ source }: { source: string }) {
  const { t } = useTranslation('sources');
  const host = useHost();
  const [node, setNode] = useState<BrowseNode | null>(null);
  const [job, setJob] = useState<string | null>(null);
  const start = useSend<string, Job>((id) => collect(source, id), { stale: [['jobs']], done: (made) => setJob(made.id) });
  return (
    <div className="hw-two">
      <section className="hw-panel">
        <header><h2>{t('sources:browse.title')}</h2></header>
        <BrowseTree source={source} chosen={node?.node ?? null} onChoose={(chosen) => { setNode(chosen); setJob(null); }} />
      </section>
      <section className="hw-panel hw-collect">
        <header><h2>{t('sources:collect.title')}</h2></header>
        <div className="hw-pad hw-stackgap">
          <p className="hw-muted">{t('sources:collect.explain')}</p>
          {node ? <p>{t('sources:collect.chosen')} <b>{node.title || node.name}</b> <span className="hw-code">{node.node}</span></p> : <p className="hw-muted">{t('sources:collect.choose')}</p>}
          {host.can('devices.edit') ? (
            <p><Button type={job ? 'default' : 'primary'} disabled={!node} loading={start.isPending} data-testid="browse-collect" onClick={() => { if (node) start.mutate(node.node); }}>{t('sources:collect.start')}</Button></p>
          ) : <p className="hw-note">{t('sources:mayNotHint')}</p>}
          {job ? <Running key={job} source={source} id={job} onAgain={() => { if (node) start.mutate(node.node); }} /> : null}
        </div>
      </section>
    </div>
  );
}
