import { useTranslation } from 'react-i18next';
import { formatTime } from '../lib/format';

interface QueryLike {
  data: unknown;
  isError: boolean;
  fetchStatus: string;
  dataUpdatedAt: number;
}

/** What is on screen could not be renewed: since when it is as it is, or that it is not what was asked for. */
export function StaleNote({ query }: { query: QueryLike }) {
  const { t } = useTranslation('common');
  // A browser that knows it is offline does not even ask: nothing has failed then, and still nothing is new.
  if (query.data === undefined || !(query.isError || query.fetchStatus === 'paused')) return null;
  const text = query.dataUpdatedAt ? t('common:stale', { time: formatTime(query.dataUpdatedAt) }) : t('common:notAsked');
  return <p className="hw-note" role="status" data-testid="stale-note">{text}</p>;
}
