import { useQuery } from '@tanstack/react-query';
import { Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { GuidanceView } from '../../components/guidance';
import { PriorityMark } from '../../components/priority';
import { Empty, Ready } from '../../components/states';
import { formatDateTime, formatValue, titleOf, unitText } from '../../lib/format';
import { modelAlarmsQuery, type ModelDetail, type ModelLive } from './api';
import { TableWhole } from './table-view';

const SHOWN = 20;

function Params({ model }: { model: ModelDetail }) {
  const { t } = useTranslation('models');
  if (!model.params.length && !model.tables.length) return <Empty title={t('models:noParams')} />;
  return (
    <>
      {model.params.length ? <ParamTable model={model} /> : null}
      {model.tables.map((x) => (
        <section key={x.name} data-testid="model-table-rows" data-name={x.name}>
          <TableWhole rows={x.rows} title={`${titleOf(x.title) || x.name}${x.own ? ` (${t('models:changed')})` : ''}`} />
        </section>
      ))}
    </>
  );
}

function ParamTable({ model }: { model: ModelDetail }) {
  const { t } = useTranslation('models');
  return (
    <table className="hw-table" data-testid="model-params">
      <thead>
        <tr>
          <th scope="col">{t('models:columns.param')}</th><th scope="col" className="hw-right">{t('models:columns.set')}</th>
          <th scope="col" className="hw-right">{t('models:columns.default')}</th>
        </tr>
      </thead>
      <tbody>
        {model.params.map((p) => (
          <tr key={p.name} data-changed={p.value !== p.default}>
            <th scope="row">
              {titleOf(p.title) || p.name} <span className="hw-code">{p.name}</span>
              {p.low !== null || p.high !== null ? <small className="hw-muted hw-num hw-block">{t('models:span', { low: p.low ?? '…', high: p.high ?? '…' })}</small> : null}
            </th>
            <td className="hw-right hw-num">
              <b>{p.value}</b> {unitText(p.unit)}
              {p.value !== p.default ? <span className="hw-badge hw-changed">{t('models:changed')}</span> : null}
            </td>
            <td className="hw-right hw-num hw-muted">{p.default}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Conditions({ model, live }: { model: ModelDetail; live: ModelLive | undefined }) {
  const { t } = useTranslation('models');
  if (!model.conditions.length) return <Empty title={t('models:noConditions')} />;
  return (
    <ul className="hw-lines">
      {model.conditions.map((c) => {
        const state = live ? live.conditions[c.name] ?? null : undefined;
        const word = state === undefined ? 'none' : state === null ? 'unknown' : state ? 'true' : 'false';
        return (
          <li key={c.name} data-testid="model-condition" data-name={c.name} data-state={word}>
            <details>
              <summary>
                <PriorityMark priority={c.priority} hollow={state !== true} none={state !== true} size={18} />
                <span className="hw-grow">{titleOf(c.title)} <span className="hw-code">{c.name}</span></span>
                <span className={state ? 'hw-strong' : 'hw-muted'}>{t(`models:condition.${word}`)}</span>
              </summary>
              {c.guidance ? <GuidanceView guidance={c.guidance} /> : <p className="hw-muted">{t('models:noGuidance')}</p>}
            </details>
          </li>
        );
      })}
    </ul>
  );
}

function Alarms({ model }: { model: ModelDetail }) {
  const { t } = useTranslation('models');
  const alarms = useQuery(modelAlarmsQuery(model));
  return (
    <Ready query={alarms} rows={4}>
      {(items) => (items.length ? (
        <ul className="hw-modelalarms">
          {items.slice(0, SHOWN).map((a) => (
            <li key={a.id}>
              <Link to={`/alarms?state=all&open=${a.id}`}>
                <PriorityMark priority={a.priority} hollow={a.state !== 'unacked_active'} />
                <span className="hw-num hw-muted">{formatDateTime(a.raised_ms).slice(5)}</span>
                <span className="hw-nowrap">{titleOf(a.title)}</span>
                <span className="hw-num">{a.value === null ? '' : formatValue(a.value)}</span>
              </Link>
            </li>
          ))}
          {items.length > SHOWN ? <li className="hw-muted hw-pad">{t('models:moreAlarms', { n: items.length - SHOWN })}</li> : null}
        </ul>
      ) : <Empty title={t('models:noAlarms')} />)}
    </Ready>
  );
}

/** Parameters, conditions with what to do, and the alarms the model has raised. */
export function SidePanel({ model, live }: { model: ModelDetail; live: ModelLive | undefined }) {
  const { t } = useTranslation('models');
  return (
    <section className="hw-panel hw-modelside" aria-label={t('models:side')}>
      <Tabs
        items={[
          { key: 'conditions', label: t('models:tabs.conditions'), children: <Conditions model={model} live={live} /> },
          { key: 'params', label: t('models:tabs.params'), children: <Params model={model} /> },
          { key: 'alarms', label: t('models:tabs.alarms'), children: <Alarms model={model} /> },
        ]}
      />
    </section>
  );
}
