import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { Empty, Ready } from '../../components/states';
import { formatAge, formatBytes, formatCount, formatDateTime, titleOf } from '../../lib/format';
import { assetsQuery, systemQuery } from '../../lib/queries';
import type { Asset, Partition, Role, SystemState } from '../../lib/types';
import { useNow } from '../../live/hooks';
import './system.css';

const LATE_MS = 10_000;
const FULL = 0.9;

/** Ports and process numbers are names, not amounts; bytes are read in their own units. */
function detailValue(key: string, value: unknown): string {
  if (typeof value !== 'number' || /port$|pid$/.test(key)) return String(value);
  if (/bytes$/.test(key)) return formatBytes(value);
  return Math.abs(value) >= 100 ? formatCount(value) : String(Math.round(value * 1000) / 1000);
}

/** Detail that a role says of itself, as "name value" pairs; nested things are left to the metrics. */
function detailText(detail: Role['detail'], t: TFunction): string {
  return Object.entries(detail ?? {})
    .filter(([, v]) => ['string', 'number', 'boolean'].includes(typeof v))
    .map(([k, v]) => `${t(`system:detail.${k}`, { defaultValue: k })} ${detailValue(k, v)}`)
    .join(' · ');
}

function RoleRow({ role }: { role: Role }) {
  const { t } = useTranslation('system');
  const now = useNow();
  const silent = role.age_ms > LATE_MS;
  const state = silent ? 'silent' : role.ready ? 'ready' : 'starting';
  return (
    <tr data-testid="system-role" data-role={role.role} data-ready={role.ready && !silent} data-state={state}>
      <th scope="row">{t(`system:role.${role.role.split(':')[0]}`, { defaultValue: role.role })} <span className="hw-code">{role.role}</span></th>
      <td data-label={t('system:columns.state')}>
        <span className="hw-rolestate" data-state={state}>
          <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
            {state === 'ready' ? <path d="M1.5 6.5 L4.7 9.5 L10.5 2.5" fill="none" stroke="currentColor" strokeWidth="1.8" />
              : state === 'starting' ? <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.8" strokeDasharray="3 2" />
                : <path d="M2 2 L10 10 M10 2 L2 10" stroke="currentColor" strokeWidth="1.8" />}
          </svg>
          {t(`system:state.${state}`)}
        </span>
      </td>
      <td data-label={t('system:columns.pid')} className="hw-num">{role.host} · {role.pid}</td>
      <td data-label={t('system:columns.uptime')} className="hw-num">{formatAge(now - role.started_ms)}</td>
      <td data-label={t('system:columns.seen')} className="hw-num hw-live">{t('system:seconds', { n: (role.age_ms / 1000).toFixed(1) })}</td>
      <td data-label={t('system:columns.detail')} className="hw-muted hw-detail">{detailText(role.detail, t)}</td>
    </tr>
  );
}

function Roles({ roles }: { roles: Role[] }) {
  const { t } = useTranslation('system');
  if (!roles.length) return <Empty title={t('system:noRoles')} hint={t('system:noRolesHint')} />;
  const columns = ['role', 'state', 'pid', 'uptime', 'seen', 'detail'];
  return (
    <table className="hw-table hw-stack">
      <thead><tr>{columns.map((c) => <th key={c} scope="col">{t(`system:columns.${c}`)}</th>)}</tr></thead>
      <tbody>{roles.map((r) => <RoleRow key={`${r.role}-${r.host}-${r.pid}`} role={r} />)}</tbody>
    </table>
  );
}

/** The asset a partition is made of: the topmost that belongs to it. */
function headOf(code: string, assets: Asset[]): Asset | undefined {
  const inside = assets.filter((a) => a.partition === code);
  const ids = new Set(inside.map((a) => a.id));
  return inside.find((a) => a.parent === null || !ids.has(a.parent));
}

function PartitionCard({ partition: p, asset }: { partition: Partition; asset: Asset | undefined }) {
  const { t } = useTranslation('system');
  const now = useNow();
  const fill = p.log && p.log.max_bytes > 0 ? p.log.bytes / p.log.max_bytes : 0;
  const age = p.watermark_ms === null ? null : now - p.watermark_ms;
  const late = p.clock === 'wall' && age !== null && age > LATE_MS;
  return (
    <article className="hw-panel hw-partition" data-testid="system-partition" data-partition={p.code}>
      <header>
        <h3>{titleOf(asset?.title)} <span className="hw-code">{p.code}</span></h3>
        <span className="hw-muted">{t(`system:clock.${p.clock}`)}</span>
      </header>
      <dl>
        <dt>{t('system:watermark')}</dt>
        <dd className="hw-num hw-live">{p.watermark_ms === null ? t('system:noWatermark') : formatDateTime(p.watermark_ms)}</dd>
        <dt>{t('system:watermarkAge')}</dt>
        <dd className="hw-num hw-live">
          {age === null || p.clock === 'replay' ? t('system:notApplicable') : t('system:seconds', { n: (age / 1000).toFixed(1) })}
          {late ? <span className="hw-quality">{t('system:late')}</span> : null}
        </dd>
        <dt>{t('system:rate')}</dt>
        <dd className="hw-num hw-live">{t('system:perSecond', { n: formatCount(p.samples_per_s) })}</dd>
        <dt>{t('system:log')}</dt>
        <dd className="hw-num">
          {p.log
            ? t('system:logText', { bytes: formatBytes(p.log.bytes), max: formatBytes(p.log.max_bytes), messages: formatCount(p.log.messages) })
            : t('system:logUnknown')}
          <span className="hw-fill" role="meter" aria-label={t('system:log')} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(fill * 100)}>
            <span style={{ width: `${Math.min(100, fill * 100)}%` }} />
          </span>
          {fill > FULL ? <span className="hw-quality">{t('system:nearlyFull')}</span> : null}
        </dd>
      </dl>
      {p.readers.length ? (
        <table className="hw-table">
          <thead><tr><th scope="col">{t('system:reader')}</th><th scope="col" className="hw-right">{t('system:position')}</th><th scope="col" className="hw-right">{t('system:lag')}</th></tr></thead>
          <tbody>
            {p.readers.map((r) => (
              <tr key={`${r.stream}/${r.name}`}>
                <th scope="row">{r.name} <span className="hw-code">{r.stream}</span></th>
                <td className="hw-num hw-right hw-live">{formatCount(r.position)}</td>
                <td className="hw-num hw-right hw-live">{formatCount(r.lag)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : <p className="hw-muted hw-note">{t('system:noReaders')}</p>}
    </article>
  );
}

function System({ system }: { system: SystemState }) {
  const { t } = useTranslation('system');
  const { data: assets } = useQuery(assetsQuery());
  const ready = system.roles.filter((r) => r.ready && r.age_ms <= LATE_MS).length;
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <h1>{t('system:title')}</h1>
        <p className="hw-muted hw-num">{t('system:summary', { ready, roles: system.roles.length, version: system.version })}</p>
      </div>
      <section className="hw-panel">
        <header><h2>{t('system:roles')}</h2></header>
        <Roles roles={system.roles} />
      </section>
      <h2>{t('system:partitions')}</h2>
      {system.partitions.length
        ? <div className="hw-partitions">{system.partitions.map((p) => <PartitionCard key={p.code} partition={p} asset={headOf(p.code, assets ?? [])} />)}</div>
        : <Empty title={t('system:noPartitions')} hint={t('system:noPartitionsHint')} />}
    </div>
  );
}

export default function SystemPage() {
  const system = useQuery(systemQuery());
  return <Ready query={system} rows={10}>{(data) => <System system={data} />}</Ready>;
}
