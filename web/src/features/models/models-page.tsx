import { ExperimentOutlined } from '@ant-design/icons';
import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { Button, Input, Segmented, Select } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { AssetSelect } from '../../components/asset-select';
import { Empty, Ready } from '../../components/states';
import { formatCount, titleOf } from '../../lib/format';
import { assetsQuery } from '../../lib/queries';
import type { Asset, Model } from '../../lib/types';
import '../../components/parts.css';
import { BacktestDialog } from '../backtest/backtest-dialog';
import { modelListQuery } from './api';
import './models.css';

const STEP = 200;
const MOST_AT_ONCE = 500;

function useFilters() {
  const [params, setParams] = useSearchParams();
  // What is typed is shown at once; the address follows when the page has the time.
  const [q, setQ] = useState(params.get('q') ?? '');
  const set = (name: string, value: string | null) => {
    if (name === 'q') setQ(value ?? '');
    const next = new URLSearchParams(window.location.search);
    if (value) next.set(name, value);
    else next.delete(name);
    setParams(next, { replace: true });
  };
  return { q, asset: Number(params.get('asset')) || null, template: params.get('template'), active: params.get('state') === 'active', set };
}

function Row({ model, asset }: { model: Model; asset: Asset | undefined }) {
  const { t } = useTranslation('models');
  return (
    <tr data-testid="model-row" data-id={model.id} data-code={model.code} data-active={model.active}>
      <th scope="row"><Link to={`/models/${model.id}`}><span>{titleOf(model.title)} <span className="hw-code">{model.code}</span></span></Link></th>
      <td data-label={t('models:columns.asset')}>{asset ? <span>{titleOf(asset.title)} <span className="hw-code">{asset.code}</span></span> : null}</td>
      <td data-label={t('models:columns.template')} className="hw-code">{model.template}</td>
      <td data-label={t('models:columns.conditions')} className="hw-num hw-right">{model.conditions.length}</td>
      <td data-label={t('models:columns.state')}>
        {model.active ? <span className="hw-badge">{t('models:active', { n: model.active })}</span> : <span className="hw-muted">{t('models:normal')}</span>}
      </td>
    </tr>
  );
}

function matches(model: Model, asset: Asset | undefined, words: string[]): boolean {
  const text = [model.code, model.template, model.title.zh, model.title.en, asset?.code, asset?.title.zh, asset?.title.en].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** All models that are listed, over one span: what a change of a template would have meant for each of them. */
function BacktestAll({ models, partition }: { models: Model[]; partition: string }) {
  const { t } = useTranslation('models');
  const [asking, setAsking] = useState(false);
  const { can } = useHost();
  const many = models.length > MOST_AT_ONCE;
  if (!can('backtests.run')) return null;
  return (
    <>
      <Button icon={<ExperimentOutlined />} disabled={many} title={many ? t('models:tooMany', { n: MOST_AT_ONCE }) : undefined} data-testid="backtest-all" onClick={() => setAsking(true)}>
        {t('models:backtestAll', { n: models.length })}
      </Button>
      <BacktestDialog open={asking} models={models.map((m) => ({ id: m.id, code: m.code }))} partition={partition} onClose={() => setAsking(false)} />
    </>
  );
}

function List({ models, filters }: { models: Model[]; filters: ReturnType<typeof useFilters> }) {
  const { t } = useTranslation('models');
  const { data: assets } = useQuery(assetsQuery());
  const [most, setMost] = useState(STEP);
  const byId = useMemo(() => new Map(assets?.map((a) => [a.id, a])), [assets]);
  const { q, template, active } = filters;
  const shown = useMemo(() => {
    const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
    return models
      .filter((m) => (!template || m.template === template) && (!active || m.active > 0) && matches(m, byId.get(m.asset), words))
      .sort((a, b) => b.active - a.active || (a.code < b.code ? -1 : 1));
  }, [models, q, template, active, byId]);
  if (!models.length) return <Empty title={t('models:empty')} hint={t('models:emptyHint')} />;
  if (!shown.length) return <Empty title={t('models:noMatch')} hint={t('models:noMatchHint')} />;
  return (
    <>
      <header>
        <p className="hw-muted hw-num" role="status" data-testid="model-count">{t('models:count', { n: formatCount(shown.length), all: formatCount(models.length) })}</p>
        <BacktestAll models={shown} partition={byId.get(shown[0]?.asset ?? 0)?.partition ?? ''} />
      </header>
      <div className="hw-tablewrap">
        <table className="hw-rows">
          <thead>
            <tr>
              <th scope="col">{t('models:columns.model')}</th><th scope="col">{t('models:columns.asset')}</th><th scope="col">{t('models:columns.template')}</th>
              <th scope="col" className="hw-right">{t('models:columns.conditions')}</th><th scope="col">{t('models:columns.state')}</th>
            </tr>
          </thead>
          <tbody>{shown.slice(0, most).map((m) => <Row key={m.id} model={m} asset={byId.get(m.asset)} />)}</tbody>
        </table>
      </div>
      {shown.length > most ? <p className="hw-foot"><Button onClick={() => setMost(most + STEP)}>{t('models:more', { n: shown.length - most })}</Button></p> : null}
    </>
  );
}

/** Every model that watches the plant; what is active comes first. */
export default function ModelsPage() {
  const { t } = useTranslation('models');
  const filters = useFilters();
  const models = useQuery(modelListQuery(filters.asset));
  const templates = useMemo(
    () => [...new Map((models.data ?? []).map((m) => [m.template, m.title])).entries()].sort(([a], [b]) => (a < b ? -1 : 1)), [models.data],
  );
  return (
    <div className="hw-page">
      <div className="hw-page-head"><h1>{t('models:title')}</h1></div>
      <div className="hw-toolbar">
        <Input
          className="hw-modelsearch" allowClear value={filters.q} placeholder={t('models:search')} aria-label={t('models:search')} data-testid="model-search"
          onChange={(e) => filters.set('q', e.target.value)}
        />
        <AssetSelect className="hw-modelselect" value={filters.asset} onChange={(id) => filters.set('asset', id === null ? null : String(id))} placeholder={t('models:anyAsset')} />
        <Select<string>
          className="hw-modelselect" allowClear value={filters.template} placeholder={t('models:anyTemplate')} aria-label={t('models:anyTemplate')} popupMatchSelectWidth={360}
          options={templates.map(([code, title]) => ({ value: code, label: `${titleOf(title)} ${code}` }))} onChange={(code) => filters.set('template', code ?? null)}
          showSearch={{ optionFilterProp: 'label' }}
        />
        <Segmented<string>
          value={filters.active ? 'active' : 'all'} onChange={(v) => filters.set('state', v === 'active' ? v : null)} aria-label={t('models:columns.state')}
          options={(['all', 'active'] as const).map((value) => ({ value, label: t(`models:filter.${value}`) }))} data-testid="model-state"
        />
      </div>
      <section className="hw-panel"><Ready query={models} rows={10}>{(items) => <List models={items} filters={filters} />}</Ready></section>
    </div>
  );
}
