import { StopOutlined } from '@ant-design/icons';
import { useHost } from '@headworks/app-sdk';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSend } from '../../components/send';
import { cancelJob, isOpen, jobKeys, type Job } from './api';

/** A length of time in the two largest units that matter. */
export function useDuration(): (seconds: number) => string {
  const { t } = useTranslation('jobs');
  return (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return t('jobs:duration.s', { s });
    if (s < 3600) return t('jobs:duration.ms', { m: Math.floor(s / 60), s: s % 60 });
    return t('jobs:duration.hm', { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  };
}

/** How far a job is and how long it will still take; when it is over, how it ended. */
export function JobProgress({ job }: { job: Job }) {
  const { t } = useTranslation('jobs');
  const duration = useDuration();
  const percent = Math.round(100 * job.progress);
  return (
    <div className="hw-jobprogress" data-testid="job-progress" data-state={job.state} data-progress={job.progress}>
      {isOpen(job) ? (
        <progress max={100} value={job.state === 'queued' ? undefined : percent} aria-label={t('jobs:progress')} />
      ) : null}
      <span className="hw-num" role="status">
        <b>{t(`jobs:state.${job.state}`)}</b>
        {job.state === 'running' ? <span> {t('jobs:percent', { n: percent })}</span> : null}
        {job.state === 'running' && job.eta_s !== null ? <span className="hw-muted" data-testid="job-eta"> {t('jobs:eta', { time: duration(job.eta_s) })}</span> : null}
        {!isOpen(job) && job.started_ms !== null && job.ended_ms !== null
          ? <span className="hw-muted"> {t('jobs:took', { time: duration((job.ended_ms - job.started_ms) / 1000) })}</span> : null}
      </span>
    </div>
  );
}

export function CancelJob({ job, small }: { job: Job; small?: boolean }) {
  const { t } = useTranslation('jobs');
  const { user, can } = useHost();
  const cancel = useSend(cancelJob, { stale: [jobKeys.all] });
  if (!isOpen(job) || (job.asked_by !== user.name && !can('jobs.cancel_any'))) return null;
  return (
    <Button
      icon={<StopOutlined />} size={small ? 'small' : 'middle'} loading={cancel.isPending || cancel.isSuccess} onClick={() => cancel.mutate(job.id)}
      data-testid="job-cancel"
    >
      {t('jobs:cancel')}
    </Button>
  );
}
