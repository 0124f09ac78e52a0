import { useHost } from '@headworks/app-sdk';
import { DownloadOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useSend } from '../../components/send';
import { useDownload } from '../../components/use-download';
import { formatCount } from '../../lib/format';
import { jobQuery, type Job } from '../jobs/api';
import { CancelJob, JobProgress } from '../jobs/progress';
import '../jobs/jobs.css';
import { collect, tagListPath, type BrowseNode, type CollectedRow } from './api';
import { BrowseTree } from './browse-tree';

interface Collected {
  rows: CollectedRow[];
  total: number;
}

function Outcome({ source, job }: { source: string; job: Job }) {
  const { t } = useTranslation('sources');
  const { busy, fetchFile } = useDownload();
  const { rows, total } = (job.result ?? { rows: [], total: 0 }) as unknown as Collected;
  const known = (rows ?? []).filter((r) => r.tag).length;
  return (
    <div className="hw-stackgap" data-testid="browse-collected" data-total={total ?? 0}>
      <p>{t('sources:collect.done', { n: formatCount(total ?? 0), known: formatCount(known) })}</p>
      <p className="hw-toolbar">
        <Button type="primary" icon={<DownloadOutlined />} loading={busy} data-testid="browse-taglist" onClick={() => void fetchFile(tagListPath(source, job.id))}>{t('sources:collect.download')}</Button>
        <Link to="/imports" data-testid="browse-import">{t('sources:collect.import')}</Link>
      </p>
      <p className="hw-muted">{t('sources:collect.next')}</p>
    </div>
  );
}

function Running({ source, id }: { source: string; id: string }) {
  const { t } = useTranslation('sources');
  const { data: job } = useQuery(jobQuery(id));
  if (!job) return null;
  return (
    <div className="hw-stackgap" data-testid="browse-progress" data-state={job.state}>
      <JobProgress job={job} />
      <CancelJob job={job} />
      {job.state === 'done' ? <Outcome source={source} job={job} /> : null}
      {job.state === 'failed' ? <div className="hw-note" role="alert"><strong>{t('sources:collect.failed')}</strong><p>{job.error?.text}</p></div> : null}
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
          {job ? <Running key={job} source={source} id={job} /> : null}
        </div>
      </section>
    </div>
  );
}
