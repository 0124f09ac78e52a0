import { DatePicker, Modal, Segmented, type ButtonProps } from 'antd';
import dayjs from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { Refusal, useSend } from '../../components/send';
import { formatDateTime, zoneLabel } from '../../lib/format';
import { request } from '../../lib/http';
import { isNarrow } from '../../lib/narrow';
import { usePartitionNow } from '../../live/hooks';
import { jobKeys, type Job } from '../jobs/api';
import { fromPicker, toPicker } from '../trend/range-bar';
import './backtest.css';

const PRESETS = { '1h': 3_600_000, '8h': 28_800_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 };
type Preset = keyof typeof PRESETS;

const NAMED = 5;

function named(models: { code: string }[], more: (names: string, n: number) => string): string {
  const names = models.slice(0, NAMED).map((m) => m.code).join(', ');
  return models.length > NAMED ? more(names, models.length - NAMED) : names;
}

interface Props {
  open: boolean;
  models: { id: number; code: string }[];
  partition: string;
  onClose: () => void;
}

function Field({ name, value, onChange }: { name: 'from' | 'to'; value: number; onChange: (ms: number) => void }) {
  const { t } = useTranslation('backtest');
  return (
    <label className="hw-spanfield" data-testid={`backtest-${name}`}>
      <span>{t(`backtest:${name}`)}</span>
      {/* A phone's own picker fits its screen. */}
      {isNarrow() ? (
        <input
          type="datetime-local" step={1} value={formatDateTime(value).replace(' ', 'T')}
          onChange={(e) => { if (e.target.value) onChange(fromPicker(dayjs(e.target.value))); }}
        />
      ) : (
        <DatePicker
          showTime allowClear={false} needConfirm={false} format="YYYY-MM-DD HH:mm:ss" value={toPicker(value)}
          onChange={(day) => { if (day && !Array.isArray(day)) onChange(fromPicker(day)); }}
        />
      )}
    </label>
  );
}

/** Asks for a span and lets the models run over what history holds of it, as they are now. */
export function BacktestDialog({ open, models, partition, onClose }: Props) {
  const { t } = useTranslation('backtest');
  const navigate = useNavigate();
  const { now } = usePartitionNow(partition);
  const [preset, setPreset] = useState<Preset | null>('24h');
  const [own, setOwn] = useState({ from: 0, to: 0 });
  const end = Math.floor(now / 1000) * 1000;
  const span = preset ? { from: end - PRESETS[preset], to: end } : own;
  const send = useSend((body: { models: number[]; from_ms: number; to_ms: number }) => request<Job>('POST', 'backtests', body), {
    stale: [jobKeys.all], quiet: true, done: (job) => { onClose(); void navigate(`/jobs/${job.id}`); },
  });
  const change = (part: Partial<typeof span>) => { setOwn({ ...span, ...part }); setPreset(null); };
  const wrong = span.to <= span.from;
  return (
    <Modal
      open={open} onCancel={onClose} title={t('backtest:title')} okText={t('backtest:run')} cancelText={t('backtest:cancel')} destroyOnHidden
      onOk={() => send.mutate({ models: models.map((m) => m.id), from_ms: span.from, to_ms: span.to })} confirmLoading={send.isPending}
      okButtonProps={{ disabled: wrong, 'data-testid': 'backtest-run' } as ButtonProps}
    >
      <div className="hw-backtestform" data-testid="backtest-dialog">
        <p>{t('backtest:explain', { models: named(models, (names, n) => t('backtest:andMore', { names, n })) })}</p>
        {send.error ? <Refusal error={send.error} /> : null}
        <Segmented<string>
          block value={preset ?? ''} onChange={(v) => setPreset(v as Preset)} aria-label={t('backtest:span')}
          options={Object.keys(PRESETS).map((value) => ({ value, label: t(`backtest:preset.${value}`) }))}
        />
        <div className="hw-spanfields">
          <Field name="from" value={span.from} onChange={(from) => change({ from })} />
          <Field name="to" value={span.to} onChange={(to) => change({ to })} />
        </div>
        <p className="hw-muted">{wrong ? t('backtest:wrong') : t('backtest:zone', { zone: zoneLabel(span.to) })}</p>
      </div>
    </Modal>
  );
}
