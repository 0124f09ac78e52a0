/** The key scheme of the query cache: [thing, view, parameters]. */
export interface AlarmQuery {
  /** `open`: active, or cleared but not acknowledged. */
  state: 'open' | 'active' | 'unacked' | 'all';
  priority: number[];
  asset: number | null;
  /** Alarms suppressed by a first-out: left out (the usual), shown as well, or nothing else. */
  suppressed?: 'hide' | 'show' | 'only';
}

export const keys = {
  session: ['session'] as const,
  assets: ['assets'] as const,
  health: ['health'] as const,
  system: ['system'] as const,
  manifest: ['manifest'] as const,
  models: ['models'] as const,
  summary: ['alarms', 'summary'] as const,
  alarmLists: ['alarms', 'list'] as const,
  alarmList: (query: AlarmQuery) => ['alarms', 'list', query] as const,
  hidden: (cause: string) => ['alarms', 'hidden', cause] as const,
  alarm: (id: string) => ['alarms', 'one', id] as const,
  tags: (asset: number | null, q: string) => ['tags', 'list', asset, q] as const,
  tag: (id: number) => ['tags', 'one', id] as const,
  spark: (id: number) => ['spark', id] as const,
  history: (ids: number[], from: number, to: number, points: number) => ['history', ids, from, to, points] as const,
};
