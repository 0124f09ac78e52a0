import { Button, Input, Segmented, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { PRIORITIES, PriorityMark } from '../../components/priority';
import { titleOf } from '../../lib/format';
import type { Asset } from '../../lib/types';
import { STATES, SUPPRESSED, type Filters } from './filters';

/** On a phone only the states stand open; the other filters come with a press, and their number says that some are set. */
export function FilterBar({ filters, assets }: { filters: Filters; assets: Asset[] }) {
  const { t } = useTranslation('alarms');
  const [open, setOpen] = useState(false);
  const { query, set } = filters;
  const toggle = (p: number) => {
    const next = query.priority.includes(p) ? query.priority.filter((x) => x !== p) : [...query.priority, p].sort();
    set({ priority: next.join(',') });
  };
  const chosen = [query.priority.length > 0, filters.assetCode !== null, query.suppressed !== 'hide', filters.text !== ''].filter(Boolean).length;
  return (
    <div className="hw-filters" data-open={open}>
      <Segmented<string>
        value={query.state} onChange={(s) => set({ state: s === 'open' ? null : s })} aria-label={t('alarms:columns.state')}
        options={STATES.map((s) => ({ value: s, label: t(`alarms:filter.${s}`) }))}
      />
      <Button className="hw-filtermore" aria-expanded={open} data-testid="alarm-filters" onClick={() => setOpen(!open)}>{t(chosen ? 'alarms:moreFiltersSet' : 'alarms:moreFilters', { n: chosen })}</Button>
      <span role="group" aria-label={t('alarms:columns.priority')} className="hw-prioritypick">
        {PRIORITIES.map((p) => (
          <button
            key={p} type="button" aria-pressed={query.priority.includes(p)} onClick={() => toggle(p)}
            aria-label={t('alarms:priority', { n: p, name: t(`common:priority.${p}`) })}
          >
            <PriorityMark priority={p} size={20} />
          </button>
        ))}
      </span>
      <Select<string | null>
        className="hw-assetpick" value={filters.assetCode} allowClear placeholder={t('alarms:anyAsset')} aria-label={t('alarms:columns.asset')}
        showSearch={{ filterOption: (text, option) => String(option?.search ?? '').includes(text.trim().toLowerCase()) }}
        popupMatchSelectWidth={320} onChange={(code) => set({ asset: code ?? null })}
        options={assets.map((a) => ({ value: a.code, label: `${a.code} ${titleOf(a.title)}`, search: `${a.code} ${a.title.zh} ${a.title.en}`.toLowerCase() }))}
      />
      <Select<string>
        className="hw-suppressedpick" value={query.suppressed} data-testid="alarm-suppressed-filter" aria-label={t('alarms:suppressedFilter')}
        onChange={(s) => set({ suppressed: s === 'hide' ? null : s })}
        options={SUPPRESSED.map((s) => ({ value: s, label: t(`alarms:suppressed.${s}`) }))}
      />
      <Input
        className="hw-textpick" value={filters.text} allowClear onChange={(e) => set({ q: e.target.value })}
        placeholder={t('alarms:search')} aria-label={t('alarms:search')}
      />
    </div>
  );
}
