import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Empty } from '../../components/states';

export default function NotFound() {
  const { t } = useTranslation('shell');
  return (
    <Empty title={t('shell:notFound')} hint={t('shell:notFoundHint')}>
      <Link to="/monitor">{t('shell:nav.monitor')}</Link>
    </Empty>
  );
}
