import { useQuery } from '@tanstack/react-query';
import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { Empty, Ready } from '../../components/states';
import { formatDateTime } from '../../lib/format';
import { modelListQuery } from '../models/api';
import '../../components/parts.css';
import { jobsQuery, type Job } from './api';
import { CancelJob, JobProgress } from './progress';
import './jobs.css';

const SHOWN = 3;

/** What a job is about, in words: the models and span of a backtest, the source of a look into a server. */
export function useSubject(): (job: Job) => string {
  const { t } = useTranslation('jobs');
  const { data: models } = useQuery(modelListQuery(null));
  return (job) => {
    const { models: ids, codes, from_ms: from, to_ms: to, source, code } = job.params;
    if (Array.isArray(ids)) {
      const names = Array.isArray(codes) ? codes.map(String) : ids.map((id) => models?.find((m) => m.id === id)?.code ?? String(id));
      const what = ids.length > SHOWN ? t('jobs:andMore', { names: names.slice(0, SHOWN).join(', '), n: ids.length - SHOWN }) : names.join(', ');
      return typeof from === 'number' && typeof to === 'number' ? t('jobs:span', { what, from: formatDateTime(from), to: formatDateTime(to) }) : what;
    }
    return String(source ?? code ?? '');
  };
}

function Row({ job, subject }: { job: Job; subject: string }) {
  const { t } = useTranslation('jobs');
  return (
    <tr data-testid="job-row" data-id={job.id} data-state={job.state}>
      <th scope="row"><Link to={`/jobs/${job.id}`}>{t(`jobs:kind.${job.kind}`, { defaultValue: job.kind })}</Link></th>
      <td data-label={t('jobs:columns.subject')}>{subject}</td>
      <td data-label={t('jobs:columns.state')}><JobProgress job={job} /></td>
      <td data-label={t('jobs:columns.by')}>{job.asked_by}</td>
      <td data-label={t('jobs:columns.asked')} className="hw-num">{formatDateTime(job.asked_ms)}</td>
      <td className="hw-acts"><CancelJob job={job} small /></td>
    </tr>
  );
}

export default function JobsPage() {
  const { t } = useTranslation('jobs');
  const [params, setParams] = useSearchParams();
  const mine = params.get('mine') === '1';
  const jobs = useQuery(jobsQuery(mine));
  const subject = useSubject();
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <h1>{t('jobs:title')}</h1>
        <div className="hw-actions">
          <Segmented<string>
            value={mine ? 'mine' : 'all'} aria-label={t('jobs:whose')} onChange={(v) => setParams(v === 'mine' ? { mine: '1' } : {}, { replace: true })}
            options={(['all', 'mine'] as const).map((value) => ({ value, label: t(`jobs:filter.${value}`) }))}
          />
        </div>
      </div>
      <section className="hw-panel">
        <Ready query={jobs} rows={8}>
          {(items) => (items.length ? (
            <div className="hw-tablewrap">
              <table className="hw-rows">
                <thead>
                  <tr>
                    {(['kind', 'subject', 'state', 'by', 'asked'] as const).map((c) => <th key={c} scope="col">{t(`jobs:columns.${c}`)}</th>)}
                    <th scope="col"><span className="hw-sr">{t('jobs:columns.act')}</span></th>
                  </tr>
                </thead>
                <tbody>{items.map((job) => <Row key={job.id} job={job} subject={subject(job)} />)}</tbody>
              </table>
            </div>
          ) : <Empty title={t('jobs:empty')} hint={t('jobs:emptyHint')} />)}
        </Ready>
      </section>
    </div>
  );
}
