import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Empty, Ready } from '../../components/states';
import { titleOf } from '../../lib/format';
import { modelsQuery } from '../../lib/queries';

const SHOWN = 50;

/** Models of the subtree: those with active conditions first. */
export function ModelPanel({ inside }: { inside: ReadonlySet<number> }) {
  const { t } = useTranslation('monitor');
  const models = useQuery(modelsQuery());
  return (
    <section className="hw-panel hw-modelpanel">
      <header><h2>{t('monitor:models.title')}</h2><Link to="/models">{t('monitor:models.all')}</Link></header>
      <Ready query={models} rows={3}>
        {(items) => {
          const here = items.filter((m) => inside.has(m.asset)).sort((a, b) => b.active - a.active || (a.code < b.code ? -1 : 1));
          if (!here.length) return <Empty title={t('monitor:models.empty')} />;
          return (
            <ul className="hw-modellines" tabIndex={0} aria-label={t('monitor:models.title')}>
              {here.slice(0, SHOWN).map((m) => (
                <li key={m.id}>
                  <Link to={`/models/${m.id}`} className="hw-nowrap">{titleOf(m.title)} <span className="hw-code">{m.code}</span></Link>
                  <span className={m.active ? 'hw-num' : 'hw-num hw-muted'}>
                    {m.active ? t('monitor:models.active', { n: m.active }) : t('monitor:models.normal', { n: m.conditions.length })}
                  </span>
                </li>
              ))}
              {here.length > SHOWN ? <li className="hw-muted">{t('monitor:models.more', { n: here.length - SHOWN })}</li> : null}
            </ul>
          );
        }}
      </Ready>
    </section>
  );
}
