import { useTranslation } from 'react-i18next';
import { formatTime } from '../lib/format';

/** What is on screen could not be renewed: since when it is as it is. */
export function StaleNote({ query }: { query: { data: unknown; isError: boolean; dataUpdatedAt: number } }) {
  const { t } = useTranslation('common');
  if (!query.isError || query.data === undefined) return null;
  return <p className="hw-note" role="status" data-testid="stale-note">{t('common:stale', { time: formatTime(query.dataUpdatedAt) })}</p>;
}
