import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

export default function NotFound() {
  const { t } = useTranslation('shell');
  return (
    <div className="hw-state">
      <h1>{t('shell:notFound')}</h1>
      <p>{t('shell:notFoundHint')}</p>
      <Link to="/monitor">{t('shell:nav.monitor')}</Link>
    </div>
  );
}
