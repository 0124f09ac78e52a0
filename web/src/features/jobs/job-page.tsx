import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { Empty, Ready } from '../../components/states';
import { formatDateTime } from '../../lib/format';
import '../../components/parts.css';
import { BacktestResult, type Result } from '../backtest/backtest-result';
import { isOpen, jobQuery, type Job } from './api';
import { useSubject } from './jobs-page';
import { CancelJob, JobProgress } from './progress';
import './jobs.css';

function Outcome({ job }: { job: Job }) {
  const { t } = useTranslation('jobs');
  if (job.state === 'failed') {
    return (
      <div className="hw-note" role="alert" data-testid="job-error">
        <strong>{job.error?.text || t('jobs:failed')}</strong>
        {job.error ? <p><code className="hw-code">{job.error.code}</code></p> : null}
      </div>
    );
  }
  if (job.state === 'cancelled') return <section className="hw-panel"><Empty title={t('jobs:cancelled')} hint={t('jobs:cancelledHint')} /></section>;
  if (isOpen(job)) return <section className="hw-panel"><Empty title={t(`jobs:wait.${job.state}`)} hint={t('jobs:waitHint')} /></section>;
  if (!job.result || 'too_large_bytes' in job.result) return <section className="hw-panel"><Empty title={t('jobs:tooLarge')} hint={t('jobs:tooLargeHint')} /></section>;
  if (job.kind === 'backtest') return <BacktestResult result={job.result as unknown as Result} />;
  return <section className="hw-panel"><Empty title={t('jobs:done')} hint={t('jobs:doneHint')} /></section>;
}

function JobView({ job }: { job: Job }) {
  const { t } = useTranslation('jobs');
  const subject = useSubject();
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <div>
          <p className="hw-crumbs"><Link to="/jobs">{t('jobs:title')}</Link></p>
          <h1>{t(`jobs:kind.${job.kind}`, { defaultValue: job.kind })} <span className="hw-muted hw-jobsubject">{subject(job)}</span></h1>
        </div>
        <div className="hw-actions"><CancelJob job={job} /></div>
      </div>
      <section className="hw-panel hw-jobhead">
        <JobProgress job={job} />
        <span className="hw-muted hw-num">{t('jobs:asked', { by: job.asked_by, time: formatDateTime(job.asked_ms) })}</span>
      </section>
      <Outcome job={job} />
    </div>
  );
}

export default function JobPage() {
  const job = useQuery(jobQuery(useParams().id ?? ''));
  return <Ready query={job} rows={10}>{(data) => <JobView job={data} />}</Ready>;
}
